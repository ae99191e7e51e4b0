"""Items: what others may store in the DHT, and under which name (BEP 44).

An immutable item is named by its hash. A mutable one is named by its owner's key and a salt, and
signed together with a number that only grows. A value is held as its bencoding, which is canonical,
so that the same value always has the same hash.
"""

from dataclasses import dataclass
from hashlib import sha1
from typing import Final, TypeAlias

VALUE_BYTES_MAX: Final = 1000  # "not safe to assume storing more than 1000 bytes will succeed"
SALT_BYTES_MAX: Final = 64
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SEQ_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ImmutableItem:
    value: bytes

    @property
    def target(self) -> bytes:
        return sha1(self.value, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class MutableItem:
    """Not verified by being made; `Signatures` does that."""

    key: bytes
    salt: bytes
    seq: int
    value: bytes
    signature: bytes

    @property
    def target(self) -> bytes:
        return target_of(self.key, self.salt)

    @property
    def signed(self) -> bytes:
        return signed_bytes(self.salt, self.seq, self.value)


Item: TypeAlias = ImmutableItem | MutableItem


def target_of(key: bytes, salt: bytes) -> bytes:
    """ "the SHA-1 hash of this key concatenated with the salt" """
    return sha1(key + salt, usedforsecurity=False).digest()


def signed_bytes(salt: bytes, seq: int, value: bytes) -> bytes:
    """What a signature is over; BEP 44, Signature Verification."""
    salted = b"4:salt%d:%b" % (len(salt), salt) if salt else b""
    return b"%b3:seqi%de1:v%b" % (salted, seq, value)
