"""`gradproof version`: what is installed, found without importing it."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from gradproof._version import __version__

PACKAGES = ("torch", "grpcio", "protobuf", "numpy")


def installed(package: str) -> str:
    """The version of an installed package, or a word that says that it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@click.command()
def version() -> None:
    """Print the versions of gradproof, of Python, and of the packages that it uses."""
    lines = {"gradproof": __version__, "python": platform.python_version()}
    lines |= {package: installed(package) for package in PACKAGES}
    for name, text in lines.items():
        click.echo(f"{name:<10} {text}")
