"""The DHT node on real sockets: what it asks for is done, and no stranger can stop it."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, supervised, turn, until
from torrentd.daemon.discovery import Discovery
from torrentd.daemon.status import Refused
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.udp import UdpEndpoint
from torrentd.dht.bloom_filter import BloomFilter
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import ExternalAddressChanged
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bencode import KRPC_LIMITS, Bencoded, decode_dict, encode, get_dict
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"d" * 20)
PING = encode({b"a": {b"id": b"s" * 20}, b"q": b"ping", b"t": b"aa", b"y": b"q"})


class Room:
    """One Discovery on an address of its own; whatever its searches find is kept."""

    def __init__(self, directory: Path, tasks: Tasks, bootstrap: tuple[str, ...] = ()) -> None:
        config = make_config(directory, new_host(), bootstrap=bootstrap)
        policy = AddressPolicy(allow_local=True)
        self.found: list[tuple[InfoHash, list[Address]]] = []
        self.discovery = Discovery(
            config,
            policy,
            random.Random(1),
            random.Random(2),
            tasks,
            lambda infohash, peers: self.found.append((infohash, peers)),
        )
        self.endpoints = [
            UdpEndpoint(Address(host, 0), policy, self.discovery.receive_datagrams, tasks)
            for host in (new_host(), new_host())
        ]

    async def start(self, snapshot: bytes | None = None) -> None:
        for endpoint in self.endpoints:
            endpoint.open()
        self.discovery.start(self.endpoints, snapshot)

    def close(self) -> None:
        self.discovery.close()
        for endpoint in self.endpoints:
            endpoint.close()


@asynccontextmanager
async def room(directory: Path, bootstrap: tuple[str, ...] = ()) -> AsyncIterator[Room]:
    """A started one."""
    async with supervised() as tasks:
        opened = Room(directory, tasks, bootstrap)
        await opened.start()
        try:
            yield opened
        finally:
            opened.close()


class Node:
    """A node of the network, played by the test on a plain socket."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((new_host(), 0))
        self.address = Address(*self.socket.getsockname())

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    async def hear(self) -> tuple[dict[bytes, Bencoded], Address]:
        """The next datagram, and who sent it."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.socket, readable.set)  # uvloop has no sock_recvfrom
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self.socket)
        data, source = self.socket.recvfrom(4096)
        return decode_dict(data, KRPC_LIMITS), Address(*source)

    async def answer(self, **values: Bencoded) -> dict[bytes, Bencoded]:
        """Answer the next query with `values`; the query."""
        asked, source = await self.hear()
        answer = {b"id": b"n" * 20, **{key.encode(): value for key, value in values.items()}}
        self.say(encode({b"r": answer, b"t": asked[b"t"], b"y": b"r"}), source)
        return asked

    def say(self, data: bytes, to: Address) -> None:
        self.socket.sendto(data, to)


class SkippingClock:
    """The clock of discovery and its driver, which a test may set ahead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead_s = 0.0
        self._now = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: self._now() + self._ahead_s)

    def skip(self, duration_s: float) -> None:
        self._ahead_s += duration_s


class TestDatagrams:
    def test_an_answer_leaves_from_the_address_that_was_asked(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                for endpoint in there.endpoints:
                    with Node() as node:
                        node.say(PING, endpoint.bound)
                        answer, source = await node.hear()
                        assert (answer[b"t"], answer[b"y"]) == (b"aa", b"r")
                        assert source == endpoint.bound

        run(scenario())

    def test_a_datagram_that_meets_a_bug_is_dropped_and_the_next_one_answered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def raises(*_: object) -> None:
            raise KeyError("a bug")

        async def scenario() -> None:
            fatal: list[BaseException] = []
            tasks = Tasks(fatal.append)
            there = Room(tmp_path, tasks)
            await there.start()
            with Node() as node, monkeypatch.context() as patch:
                patch.setattr(DhtNode, "receive_datagram", raises)
                node.say(PING, there.endpoints[0].bound)
                await until(lambda: tasks.fault_count == 1)
                patch.undo()
                node.say(PING, there.endpoints[0].bound)
                assert (await node.hear())[0][b"y"] == b"r"
            assert fatal == []
            there.close()
            await tasks.close()

        run(scenario())

    def test_after_close_nothing_is_answered_and_the_dht_is_off(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                assert there.discovery.status().enabled
                there.discovery.close()
                assert not there.discovery.status().enabled
                assert there.discovery.snapshot() is None
                batch = [(PING, Address("127.0.0.1", 9))]
                there.discovery.receive_datagrams(there.endpoints[0], batch)
                there.discovery.get_peers(INFOHASH, announce=True)
                assert there.found == []

        run(scenario())


class TestSearches:
    def test_the_peers_that_a_node_knows_are_told_with_their_infohash(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    there.discovery.add_node(node.address)
                    assert (await node.answer())[b"q"] == b"ping"
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    there.discovery.get_peers(INFOHASH, announce=False)
                    asked: dict[bytes, Bencoded] = {}
                    peer = bytes([127, 0, 0, 5, 0x1A, 0xE1])
                    while asked.get(b"q") != b"get_peers":
                        asked = await node.answer(values=[peer], token=b"token", nodes=b"")
                    await until(lambda: bool(there.found))
                    assert there.found == [(INFOHASH, [Address("127.0.0.5", 6881)])]

        run(scenario())

    def test_the_swarm_is_counted_after_a_search_and_not_again_soon(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            counted = BloomFilter()
            counted.add(bytes([192, 0, 2, 1]))
            filters = {"BFsd": counted.to_bytes(), "BFpe": BloomFilter().to_bytes()}
            with Node() as node:
                async with room(tmp_path) as there:
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    there.discovery.get_peers(INFOHASH, announce=False)
                    assert there.discovery.swarm(INFOHASH) is None
                    asked: dict[bytes, Bencoded] = {}
                    while b"scrape" not in asked:
                        heard = await node.answer(nodes=b"", **filters)
                        asked = get_dict(heard, b"a") or {}
                    await until(lambda: there.discovery.swarm(INFOHASH) is not None)
                    swarm = there.discovery.swarm(INFOHASH)
                    assert swarm is not None and (swarm.seeds, swarm.peers) == (1, 0)
                    there.discovery.get_peers(INFOHASH, announce=False, is_seed=True)
                    while b"noseed" not in asked:  # the table is kept meanwhile, too
                        asked = get_dict(await node.answer(nodes=b""), b"a") or {}
                    await until(lambda: not there.discovery.searches())
                    there.discovery.cancel_search(INFOHASH)
                    assert there.discovery.swarm(INFOHASH) is None

        run(scenario())

    def test_bootstrap_hosts_are_asked_when_no_node_is_known(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path, (str(node.address),)) as there:
                    await node.answer(nodes=b"")
                    await until(lambda: there.discovery.status().replies_received >= 1)

        run(scenario())


class TestLookup:
    def test_a_lookup_is_told_hop_by_hop_and_ends(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    with pytest.raises(Refused, match="no DHT node is known yet"):
                        there.discovery.look_up(INFOHASH)
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    lookup = there.discovery.look_up(INFOHASH)
                    asked: dict[bytes, Bencoded] = {}
                    peer = bytes([127, 0, 0, 5, 0x1A, 0xE1])
                    while asked.get(b"q") != b"get_peers":
                        asked = await node.answer(values=[peer], token=b"token", nodes=b"")
                    [hop] = await lookup.hops.take(20)
                    assert hop["address"] == str(node.address)
                    assert hop["peers"] == ["127.0.0.5:6881"]
                    await until(lambda: lookup.hops.is_over)
                    assert there.discovery.stop_looking(lookup)["complete"] is True
                    assert there.found == [], "it is no torrent's search"
                    left = there.discovery.look_up(InfoHash(b"e" * 20))
                    assert len(there.discovery.searches()) == 1
                    there.discovery.stop_looking(left)
                    assert there.discovery.searches() == []

        run(scenario())


class TestScrape:
    def test_what_nodes_count_is_told(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    with pytest.raises(Refused, match="no DHT node is known yet"):
                        await there.discovery.scrape(INFOHASH)
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    scraping = asyncio.create_task(there.discovery.scrape(INFOHASH))
                    asked: dict[bytes, Bencoded] = {}
                    peers = [bytes([127, 0, 0, n, 0x1A, 0xE1]) for n in range(1, 4)]
                    while asked.get(b"q") != b"get_peers":
                        asked = await node.answer(values=[*peers], token=b"token", nodes=b"")
                    ended = await scraping
                    assert ended is not None
                    assert (ended.seeds, ended.peers, ended.nodes) == (0, 3, 1)

        run(scenario())


class TestPing:
    def test_who_answers_is_told_and_kept_when_that_is_wanted(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    asked = asyncio.create_task(there.discovery.ping_and_keep(node.address))
                    assert (await node.answer())[b"q"] == b"ping"
                    ended, kept = await asked
                    assert ended.address == node.address and ended.node_id == b"n" * 20
                    assert ended.rtt_s is not None and kept

        run(scenario())

    def test_a_forbidden_address_is_refused_and_the_end_ends_the_wait(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    with pytest.raises(Refused, match="no address of the public network"):
                        await there.discovery.ping(Address("224.0.0.1", 6881))
                    with pytest.raises(Refused, match="cannot be asked"):
                        await there.discovery.ping(Address("::1", 6881))
                    asked = asyncio.create_task(there.discovery.ping(node.address))
                    await node.hear()
                    there.discovery.close()
                    with pytest.raises(Refused, match="stops"):
                        await asked
                    with pytest.raises(Refused, match="off"):
                        await there.discovery.ping(node.address)

        run(scenario())


class TestOutage:
    def test_when_nobody_answers_sockets_are_new_everybody_is_asked_and_people_are_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The minute passes in the core's clock alone."""
        clock = SkippingClock(monkeypatch)

        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path, ("no-such-host.invalid:1",)) as there:
                    heard: list[float] = []
                    there.discovery.on_silence_ended = heard.append
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    assert there.discovery.warnings() == []
                    sockets = [endpoint._socket for endpoint in there.endpoints]
                    while there.discovery.status().families[0].health == "online":
                        clock.skip(5)
                        there.discovery._tick(time.monotonic())
                        await turn()
                    assert there.discovery.status().families[0].rejoins == 1
                    await until(
                        lambda: all(
                            endpoint._socket not in (None, before)
                            for endpoint, before in zip(there.endpoints, sockets, strict=True)
                        )
                    )
                    assert "no DHT node has answered for" in there.discovery.warnings()[0]
                    asked: dict[bytes, Bencoded] = {}
                    while asked.get(b"q") != b"find_node" or not heard:
                        asked = await node.answer(nodes=b"")
                        await turn()
                    assert there.discovery.warnings() == []

        run(scenario())

    def test_a_rejoin_asks_from_new_sockets_at_once(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    before = there.endpoints[0]._socket
                    there.discovery.rejoin()
                    asked: dict[bytes, Bencoded] = {}
                    while asked.get(b"q") != b"find_node":
                        asked = await node.answer(nodes=b"")
                    await until(lambda: there.endpoints[0]._socket not in (None, before))

        run(scenario())


def test_swarms_hear_where_we_are(tmp_path: Path) -> None:
    """BEP 40: what the DHT says of our address decides whom they prefer."""

    async def scenario() -> None:
        async with room(tmp_path) as there:
            theirs = Address("98.76.54.32", 6881)
            assert there.discovery.vantage.priority(theirs) == 0
            there.discovery._hear(ExternalAddressChanged("123.213.32.10"))
            assert there.discovery.vantage.priority(theirs) == 0xEC2D7224

    run(scenario())


class TestSnapshot:
    def test_a_node_of_the_last_run_is_asked_again_in_the_next(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            with Node() as node:
                async with room(tmp_path) as there:
                    there.discovery.add_node(node.address)
                    await node.answer()
                    await until(lambda: there.discovery.status().nodes_good == 1)
                    snapshot = there.discovery.snapshot()
                    first = {endpoint.bound for endpoint in there.endpoints}
                async with supervised() as tasks:
                    again = Room(tmp_path, tasks)
                    await again.start(snapshot)
                    source = there.endpoints[0].bound
                    while source in first:
                        _, source = await node.hear()
                    assert source in {endpoint.bound for endpoint in again.endpoints}
                    again.close()

        run(scenario())
