"""The write tokens of get_peers and announce_peer (BEP 5, Overview).

A token is `BLAKE2b(key=secret, host + infohash)`, 8 bytes: bound to the address that asked and to
what it asked for, and nothing is kept for it. The secret changes every five minutes, the previous
one is still taken, so a token lives for five to ten minutes.
"""

import random
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from torrentd.wire.formats.address import host_key

SECRET_S: Final = 5 * 60.0  # BEP 5: "a secret that changes every five minutes"
TOKEN_BYTES: Final = 8
_SECRET_BYTES: Final = 32


class Tokens:
    def __init__(self, secret_rng: random.Random, now: float) -> None:
        self._rng: Final = secret_rng
        self._secret = self._new_secret()
        self._previous = self._new_secret()
        self._changed_at = now

    def token(self, host: str, infohash: bytes, now: float) -> bytes:
        if now - self._changed_at >= SECRET_S:
            self._rotate(now)
        return self._make(self._secret, host, infohash)

    def is_valid(self, token: bytes, host: str, infohash: bytes, now: float) -> bool:
        """Did we give this token to this host for this infohash, at most ten minutes ago?"""
        self._rotate(now)
        current = compare_digest(token, self._make(self._secret, host, infohash))
        return current | compare_digest(token, self._make(self._previous, host, infohash))

    def _rotate(self, now: float) -> None:
        age_s = now - self._changed_at
        if age_s < SECRET_S:
            return
        self._previous = self._secret if age_s < 2 * SECRET_S else self._new_secret()
        self._secret = self._new_secret()
        self._changed_at = now

    def _new_secret(self) -> blake2b:
        """A hash that begins with a secret key, to be copied: that is faster than to begin anew."""
        key = self._rng.getrandbits(8 * _SECRET_BYTES).to_bytes(_SECRET_BYTES, "big")
        return blake2b(digest_size=TOKEN_BYTES, key=key)

    @staticmethod
    def _make(secret: blake2b, host: str, infohash: bytes) -> bytes:
        digest = secret.copy()
        digest.update(host_key(host) + infohash)
        return digest.digest()
