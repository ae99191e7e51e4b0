"""What the simulated nodes say: a datagram and the node it went to in, the answer out (BEP 5)."""

from dataclasses import dataclass
from typing import Final

from tests.bench.mainline.population import Population, compact
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import (
    KRPC_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_bytes,
    get_dict,
)
from torrentd.wire.formats.errors import BencodeError

HOLDERS: Final = 8  # of the living nodes, the closest ones hold the values
TOKEN: Final = b"tokn"
METHODS: Final = (b"ping", b"find_node", b"get_peers", b"announce_peer")


@dataclass(slots=True)
class Asked:
    """A query: what it wants, what the node says, and whether that names peers."""

    method: bytes
    infohash: bytes
    answer: bytes
    has_values: bool


class Answers:
    """Stateless but for who has announced what: an announce is accepted and forgotten, or what one
    client announced would be found by the next."""

    def __init__(self, population: Population) -> None:
        self._population: Final = population
        self._holders: Final[dict[bytes, tuple[frozenset[int], Address]]] = {}

    def announce(self, infohash: bytes, peer: Address) -> None:
        holders = frozenset(self._population.closest(infohash, HOLDERS))
        self._holders[infohash] = holders, peer

    def ask(self, data: bytes, source: Address, host: int) -> Asked | None:
        """None: no query."""
        try:
            message = decode_dict(data, KRPC_LIMITS)
        except BencodeError:
            return None
        method, t = get_bytes(message, b"q"), get_bytes(message, b"t")
        arguments = get_dict(message, b"a")
        if method is None or t is None or arguments is None:
            return None
        answer: dict[bytes, Bencoded] = {b"t": t, b"v": b"LT\x01\x02", b"ip": pack_address(source)}
        if method not in METHODS:
            answer |= {b"y": b"e", b"e": [204, b"Method Unknown"]}
            return Asked(method, b"", encode(answer), False)
        target = get_bytes(arguments, b"info_hash") or get_bytes(arguments, b"target") or b""
        r: dict[bytes, Bencoded] = {b"id": compact(host)[:20]}
        has_values = False
        if method in (b"find_node", b"get_peers") and len(target) == 20:
            known = self._population.known_to(host, target)
            r[b"nodes"] = b"".join([compact(node) for node in known])
        if method == b"get_peers":
            r[b"token"] = TOKEN
            holders, peer = self._holders.get(target, (frozenset[int](), source))
            if has_values := host in holders:
                r[b"values"] = [pack_address(peer)]
        return Asked(method, target, encode(answer | {b"r": r, b"y": b"r"}), has_values)
