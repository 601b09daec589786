"""Keys in files: PEM, readable by their owner alone, never overwritten."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from privacy.errors import InputError

PrivateKey = Ed25519PrivateKey | X25519PrivateKey


def signing(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs the ledger.

    Raises:
        InputError: The file holds no Ed25519 private key.
    """
    key = _private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} holds no Ed25519 key to sign with", file=str(path))
    return key


def signing_or_new(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs the ledger, or make one where there is none yet.

    Raises:
        InputError: The file holds something else, or cannot be written.
    """
    if not path.exists():
        write_private(path, Ed25519PrivateKey.generate())
    return signing(path)


def opening(path: Path) -> X25519PrivateKey:
    """Read the key that opens evidence.

    Raises:
        InputError: The file holds no X25519 private key.
    """
    key = _private(path)
    if not isinstance(key, X25519PrivateKey):
        raise InputError(f"{path} holds no X25519 key to open with", file=str(path))
    return key


def authority(path: Path) -> bytes:
    """Read the authority's public key.

    Raises:
        InputError: The file holds no X25519 public key.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no public key", file=str(path)) from error
    if not isinstance(key, X25519PublicKey):
        raise InputError(f"{path} holds no X25519 public key", file=str(path))
    return key.public_bytes_raw()


def write_private(path: Path, key: PrivateKey) -> None:
    """Write a private key, for its owner's eyes.

    Raises:
        InputError: The file exists or cannot be written.
    """
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, 0o600)


def write_public(path: Path, public: bytes) -> None:
    """Write an X25519 public key.

    Raises:
        InputError: The file exists or cannot be written.
    """
    key = X25519PublicKey.from_public_bytes(public)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(path, pem, 0o644)


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # what it signs is on the disk as well
            except OSError:
                path.unlink()  # half a key is none, and would stand in the way of a whole one
                raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", file=str(path)) from error


def _private(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} holds no private key", file=str(path)) from error
