"""The command line; `gradproof.__main__` is its entrance, `app` the list of its commands."""
