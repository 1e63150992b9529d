"""
Decrypt PEM blocks in OpenSSL's traditional encryption (RFC 1421 and 1423), as Go's `x509.DecryptPEMBlock` does.

Its key derivation is one round of MD5 per 16 bytes, so it costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from cronjob.flux.pem import PemBlock
from cronjob.flux.public_keys import UnsupportedKey

_SALT_SIZE = 8
_REASON = "its encryption is not supported by Flux; convert it to OpenSSH's format: `ssh-keygen -p -f KEY`"


@dataclass(frozen=True, slots=True)
class _Encryption:
    algorithm: Callable[[bytes], BlockCipherAlgorithm]
    key_size: int
    block_size: int


_ENCRYPTIONS = {
    # Triple DES with the same key three times is DES.
    "DES-CBC": _Encryption(lambda key: TripleDES(key * 3), 8, 8),
    "DES-EDE3-CBC": _Encryption(TripleDES, 24, 8),
    "AES-128-CBC": _Encryption(AES, 16, 16),
    "AES-192-CBC": _Encryption(AES, 24, 16),
    "AES-256-CBC": _Encryption(AES, 32, 16),
}


def has_encryption_header(block: PemBlock) -> bool:
    """Whether the block is encrypted, as its header line says."""
    return "ENCRYPTED" in block.headers.get("Proc-Type", "")


def decrypt(block: PemBlock, passphrase: bytes) -> bytes:
    """The content, decrypted. Raises ValueError for a wrong passphrase or damage, UnsupportedKey."""
    name, _, digits = block.headers.get("DEK-Info", "").partition(",")
    encryption = _ENCRYPTIONS.get(name)
    if encryption is None:
        raise UnsupportedKey(_REASON)
    vector = bytes.fromhex(digits)
    if len(vector) != encryption.block_size or " " in digits or len(block.content) % encryption.block_size:
        raise ValueError("damaged")
    key = _derived_key(passphrase, vector[:_SALT_SIZE], encryption.key_size)
    decryptor = Cipher(encryption.algorithm(key), CBC(vector)).decryptor()
    return _without_padding(decryptor.update(block.content) + decryptor.finalize(), encryption.block_size)


def _derived_key(passphrase: bytes, salt: bytes, size: int) -> bytes:
    digest = key = b""
    while len(key) < size:
        digest = hashlib.md5(digest + passphrase + salt, usedforsecurity=False).digest()
        key += digest
    return key[:size]


def _without_padding(data: bytes, block_size: int) -> bytes:
    count = data[-1] if data else 0
    if not 0 < count <= block_size or data[-count:] != bytes([count]) * count:
        raise ValueError("wrong passphrase")
    return data[:-count]
