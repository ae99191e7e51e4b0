"""Signatures of mutable items (BEP 44, ed25519), at most 50 verified a second (D15).

A verification costs as much as some hundred lookups in a table, and a stranger may cause it, so it
comes last of all checks and is rationed; the last fifth of the ration is kept for answers to what
we asked ourselves.
"""

from typing import Final

from torrentd.dht.items import KEY_BYTES, SIGNATURE_BYTES, MutableItem

VERIFICATIONS_PER_S: Final = 50.0
RESERVE: Final = 10.0  # verifications that puts of others may not use


class Signatures:
    def __init__(self, now: float) -> None:
        self._left = VERIFICATIONS_PER_S
        self._at = now

    def verify(self, item: MutableItem, now: float, *, for_others: bool) -> bool | None:
        """Is it signed by its key? None: too many were verified within this second."""
        if len(item.key) != KEY_BYTES or len(item.signature) != SIGNATURE_BYTES:
            return False
        self._left = min(VERIFICATIONS_PER_S, self._left + (now - self._at) * VERIFICATIONS_PER_S)
        self._at = now
        if self._left - 1 < (RESERVE if for_others else 0):
            return None
        self._left -= 1
        return is_signed(item)


def is_signed(item: MutableItem) -> bool:
    # With the first item: it brings 7 MiB, and most daemons never see one.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(item.key).verify(item.signature, item.signed)
    except (InvalidSignature, ValueError):
        return False
    return True
