"""An authority of our own, and certificates by it that can be replaced while a server runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
SERVER_NAME = "localhost"


class Authority:
    """Signs certificates of a server in a folder. Raises FileNotFoundError where openssl is not installed.

    root: the authority's own certificate; certificate, key: the server's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.root, self._root_key = folder / "root.pem", folder / "root.key"
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        _openssl(f"req -x509 {_KEY} -subj /CN=gradproof-soak -out {self.root} -keyout {self._root_key}")
        self.issue()

    def issue(self) -> None:
        """A new certificate with a new key, in the place of the old ones."""
        certificate, key = self._folder / "new.pem", self._folder / "new.key"
        signed = f"-CA {self.root} -CAkey {self._root_key} -addext subjectAltName=DNS:{SERVER_NAME}"
        _openssl(f"req -x509 {_KEY} -subj /CN={SERVER_NAME} {signed} -out {certificate} -keyout {key}")
        os.replace(key, self.key)
        os.replace(certificate, self.certificate)


def _openssl(arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)
