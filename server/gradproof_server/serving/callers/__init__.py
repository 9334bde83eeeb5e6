"""Who may call: callers, the file that names them, their tokens and rates, and the gate that asks for them."""
