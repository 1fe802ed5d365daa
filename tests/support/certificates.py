"""
An authority of our own, and what it vouches for.
"""

from __future__ import annotations

import shutil
import subprocess

from dataclasses import dataclass
from pathlib import Path
from typing import Final


OPENSSL: Final = shutil.which("openssl")
DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class Authority:
    """
    A certificate authority in a folder.

    Attributes:
        folder: Where all files are.
        name: What it is called.
    """

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        """
        What those who trust it are given.
        """
        return self.folder / f"{self.name}.crt"

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        """
        Return a new one.
        """
        one = cls(folder, name)
        key = one._key(name)
        _openssl(
            "req", "-x509", "-new", "-key", key, "-days", DAYS, "-subj", f"/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", one.certificate,
        )  # fmt: skip
        return one

    def issue(self, name: str, address: str = "127.0.0.1") -> Path:
        """
        Return a file with a new key and the certificate of it, for *address*.
        """
        key, request = self._key(name), self.folder / f"{name}.csr"
        certificate, more = self.folder / f"{name}.crt", self.folder / f"{name}.ext"
        more.write_text(f"subjectAltName=IP:{address}\n")
        _openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate,
            "-CAkey", self.folder / f"{self.name}.key", "-CAcreateserial",
            "-days", DAYS, "-extfile", more, "-out", certificate,
        )  # fmt: skip
        both = self.folder / f"{name}.pem"
        both.write_bytes(key.read_bytes() + certificate.read_bytes())
        return both

    def _key(self, name: str) -> Path:
        path = self.folder / f"{name}.key"
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        return path


def _openssl(*arguments: object) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, arguments)], check=True, capture_output=True)
