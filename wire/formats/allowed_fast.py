"""The pieces that a peer may ask for while choked (BEP 6, Allowed Fast Set Generation).

Both sides can compute the set, so that reconnecting does not give a peer more free pieces.

Differs from the BEP: it knows IPv4 only; an IPv6 peer is told by its /64.
"""

import hashlib

from torrentd.wire.formats.address import host_key
from torrentd.wire.formats.ids import InfoHash

ALLOWED_FAST_COUNT = 10  # "a final set size of 10" (BEP 6)


def allowed_fast_set(host: str, infohash: InfoHash, piece_count: int, count: int) -> list[int]:
    """`count` piece indices, or all when there are fewer, in the order of the BEP's algorithm."""
    if piece_count <= count:
        return list(range(piece_count))
    key = host_key(host)
    x = (key[:3] + b"\0" if len(key) == 4 else key) + infohash
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        x = hashlib.sha1(x, usedforsecurity=False).digest()
        for at in range(0, len(x), 4):
            if len(chosen) < count:
                chosen[int.from_bytes(x[at : at + 4]) % piece_count] = None
    return list(chosen)
