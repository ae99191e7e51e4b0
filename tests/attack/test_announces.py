"""T27: announces without end, from everywhere, for everything: what is stored stays within its caps
(BEP 5, announce_peer; D7). `make announces` sends a million.
"""

import os
import random
import time
from pathlib import Path

from tests.dht.makers import INFOHASH, NOW, dht_node, query, sent
from torrentd.config.schema import Limits
from torrentd.dht.krpc import Response, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.node_id import distance
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

ANNOUNCES = int(os.environ.get("TORRENTD_ANNOUNCES", "30000"))
MANY, PER_S_MIN = 1_000_000, 10_000  # only `make announces` looks at the clock
INFOHASHES = ANNOUNCES // 10
PORTS = (0, 1, 1023, 1024, 65535, 65536, b"80", -1)
ALLOWED_PORTS = (1024, 65535)
LIMITS = Limits(dht_upload_bytes_per_s_max=1_000_000_000)
MIB = 2**20


def announced(
    node: DhtNode, source: Address, infohash: InfoHash, now: float, port: Bencoded = 6881
) -> bool:
    """Asked for a token, and announced with it."""
    asked = query(b"get_peers", {b"info_hash": infohash})
    message = decode_message(sent(node.receive_datagram(asked, source, now))[0].data)
    assert isinstance(message, Response)
    if message.token is None:
        return False
    given: dict[bytes, Bencoded] = {
        b"info_hash": infohash,
        b"port": port,
        b"token": message.token,
    }
    out = sent(node.receive_datagram(query(b"announce_peer", given), source, now))
    return isinstance(decode_message(out[0].data), Response)


def told(node: DhtNode, infohash: InfoHash, now: float) -> list[Address]:
    return node._store.peers(infohash, now)


def anonymous_bytes() -> int:
    """Of this process; what was freed may still count."""
    (line,) = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("RssAnon")
    ]
    return int(line.split()[1]) * 1024


def test_a_million_announces_stay_within_the_caps() -> None:
    """A thousand a second, each from a network of its own, for infohashes that come again and some
    that everybody wants."""
    node, rng = dht_node(limits=LIMITS), random.Random(1)
    infohashes = [InfoHash(rng.randbytes(20)) for _ in range(INFOHASHES)]
    own_id = node._networks["ipv4"].own_id  # what is far from it makes room for what is near
    popular = sorted(infohashes, key=lambda infohash: distance(infohash, own_id))[:4]
    before_bytes = anonymous_bytes()
    accepted, began_at, now = 0, time.perf_counter(), NOW
    for index in range(ANNOUNCES):
        now = NOW + index / 1000
        source = Address(f"{30 + index % 60}.{index // 60 % 250}.{index // 15_000 % 250}.9", 6881)
        infohash = rng.choice(popular) if index % 4 == 0 else rng.choice(infohashes)
        accepted += announced(node, source, infohash, now)
    took_s = time.perf_counter() - began_at
    grown_bytes = anonymous_bytes() - before_bytes
    store = node._store
    counts = [len(peers) for peers in store._swarms.values()]
    print(
        f"\n{ANNOUNCES:,} announces, {accepted:,} accepted: {len(counts):,} infohashes, at most "
        f"{max(counts)} peers of one, {len(store):,} in all, {grown_bytes / MIB:.1f} MiB; "
        f"{ANNOUNCES / took_s:,.0f} a second, each with its get_peers"
    )
    assert len(counts) == LIMITS.dht_infohashes_stored_max
    assert max(counts) == LIMITS.dht_peers_per_infohash_max
    assert sum(counts) == len(store)
    assert grown_bytes <= 64 * MIB
    assert ANNOUNCES < MANY or ANNOUNCES / took_s >= PER_S_MIN


def test_a_port_is_one_that_peers_have_and_a_host_has_one() -> None:
    """`0` is told to nobody, and whoever announces many ports is there once, with the last."""
    node, source = dht_node(limits=LIMITS), Address("30.1.1.1", 6881)
    for port in PORTS:
        assert announced(node, source, INFOHASH, NOW, port) == (port in ALLOWED_PORTS)
    assert told(node, INFOHASH, NOW) == [Address(source.host, ALLOWED_PORTS[-1])]
    for port in range(2000, 2010):
        assert announced(node, source, INFOHASH, NOW, port)
    assert told(node, INFOHASH, NOW) == [Address(source.host, 2009)]
    asked = query(b"get_peers", {b"info_hash": INFOHASH})
    (answer,) = sent(node.receive_datagram(asked, Address("31.1.1.1", 6881), NOW))
    message = decode_message(answer.data)
    assert isinstance(message, Response) and message.peers == [Address(source.host, 2009)]
