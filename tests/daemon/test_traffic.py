"""What a swarm asks for is done, and what the links hear reaches the swarm."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.daemon.link_room import make_connection
from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.config.schema import Limits
from torrentd.daemon import storage as storage_module
from torrentd.daemon.read_cache import Blocks
from torrentd.daemon.services import Services
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.daemon.tcp import Link, ReceiveBuffer, attach
from torrentd.daemon.traffic import Traffic
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    decode_handshake,
    encode_handshake,
)
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.messages import KEEP_ALIVE
from torrentd.wire.store.api import StoreError
from torrentd.wire.swarm.actions import (
    Action,
    Close,
    Completed,
    MetadataComplete,
    MetadataRefused,
    ReadBlocks,
    Transmit,
)
from torrentd.wire.swarm.swarm import Swarm

INFOHASH = InfoHash(b"t" * 20)
GREETING = encode_handshake(
    Handshake(INFOHASH, PeerId(b"-XX0000-abcdefghijkl"), extension=False, fast=False, dht=False)
)


class Owner:
    """A torrent that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def metadata_complete(self, found: MetadataComplete) -> None:
        self.told.append("metadata complete")

    def metadata_refused(self, found: MetadataRefused) -> None:
        self.told.append(f"metadata refused: {found.reason}")

    def completed(self) -> None:
        self.told.append("completed")

    def read_failed(self, piece_index: int, error: StoreError) -> None:
        self.told.append(f"piece {piece_index}: {error.cause}")


class Room:
    """Traffic of a torrent without metadata, and one peer: a plain socket."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.owner = Owner()
        self.traffic = Traffic(services, INFOHASH, _swarm(services), self.owner)
        self._listener = socket.create_server((new_host(), 0))
        self._listener.setblocking(False)
        self.address = Address(*self._listener.getsockname())

    async def meet(self) -> socket.socket:
        """The peer's end of the connection that traffic dialled."""
        self.traffic.peers_found([self.address], "manual")
        peer, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        peer.setblocking(False)
        await until(lambda: len(self.traffic.links) == 1)
        return peer

    def close(self) -> None:
        self.traffic.close()
        self._listener.close()


def _swarm(services: Services) -> Swarm:
    return Swarm(
        INFOHASH,
        peer_id=services.peer_id,
        limits=Limits(),
        policy=services.policy,
        rng=random.Random(1),
        listen_port=6881,
        now=time.monotonic(),
        info=None,
        metadata=None,
    )


@asynccontextmanager
async def room(directory: Path) -> AsyncIterator[Room]:
    """The services of a real session, without a DHT."""
    async with running(make_config(directory, new_host())) as session:
        opened = Room(session._services)
        try:
            yield opened
        finally:
            opened.close()


async def hear(peer: socket.socket, size_bytes: int) -> bytes:
    data = b""
    while len(data) < size_bytes:
        part = await asyncio.get_running_loop().sock_recv(peer, size_bytes - len(data))
        assert part, "the connection ended"
        data += part
    return data


async def hear_the_end(peer: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(peer, 4096):
        pass


class TestConnections:
    def test_a_peer_that_is_found_is_dialled_and_greeted(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                greeting = decode_handshake(await hear(peer, HANDSHAKE_BYTES))
                assert greeting.infohash == INFOHASH
                assert greeting.peer_id == there.services.peer_id
                peer.close()

        run(scenario())

    def test_stop_parts_from_everybody_and_lets_nobody_in(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                there.traffic.stop()
                assert there.traffic.links == {}
                await hear_the_end(peer)
                peer.close()
                await until(lambda: there.services.admission.connections == 0)
                assert there.traffic.link_for(there.address) is None
                assert there.services.admission.connections == 0

        run(scenario())

    def test_a_stranger_who_comes_to_a_torrent_that_rests_is_sent_away(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                ours, peer = socket.socketpair()
                ours.setblocking(False)
                peer.setblocking(False)
                now = time.monotonic()
                link = there.services.make_link(there.address, there.traffic, INFOHASH, now)
                await attach(link, ours)
                await hear_the_end(peer)
                peer.close()
                assert there.traffic.links == {}

        run(scenario())

    def test_a_peer_that_leaves_is_forgotten_by_the_swarm_too(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                (connection,) = there.traffic.links
                assert list(there.traffic.swarm.connections) == [connection]
                peer.close()
                await until(lambda: there.traffic.links == {})
                assert list(there.traffic.swarm.connections) == []

        run(scenario())

    def test_a_peer_that_speaks_nonsense_is_closed(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                await asyncio.get_running_loop().sock_sendall(peer, b"GET / HTTP/1.1\r\n" * 8)
                await until(lambda: there.traffic.links == {})
                await hear_the_end(peer)
                peer.close()

        run(scenario())


class TestOutage:
    def test_every_peer_is_told_something_that_its_kernel_acknowledges(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                await hear(peer, HANDSHAKE_BYTES)
                (link,) = there.traffic.links.values()
                there.traffic.prove_links()  # no handshake yet: a keep-alive would be nonsense
                await asyncio.get_running_loop().sock_sendall(peer, GREETING)
                await until(lambda: there.traffic.swarm.handshakes_count == 1)
                await until(lambda: link.silent_s >= 0.03)
                quiet_s = link.silent_s
                there.traffic.prove_links()
                while length := int.from_bytes(await hear(peer, len(KEEP_ALIVE))):
                    await hear(peer, length)  # what was said before
                await until(lambda: link.silent_s < quiet_s)
                peer.close()

        run(scenario())

    def test_what_is_cut_is_forgotten_at_once_and_dialled_again_when_forgiven(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                (link,) = there.traffic.links.values()
                began = time.monotonic()
                there.traffic.cut(lambda link: link.local_host == "192.0.2.1")
                assert there.traffic.links
                there.traffic.cut(lambda other: other is link)
                assert there.traffic.links == {} and not there.traffic.swarm.connections
                there.traffic.network_returned(began)
                again, _ = await asyncio.get_running_loop().sock_accept(there._listener)
                await until(lambda: len(there.traffic.links) == 1)
                await until(lambda: there.services.admission.connections == 1)
                peer.close()
                again.close()

        run(scenario())


class SlowDisk(SimpleNamespace):
    """A store behind which pieces wait; its reads are answered by the test."""

    def __init__(self) -> None:
        super().__init__(congested=True, answers=[])

    def read_blocks(
        self, piece_index: int, blocks: object, done: Callable[[Blocks | StoreError], None]
    ) -> None:
        self.answers.append(done)


class TestDisk:
    def test_while_the_disk_is_behind_nothing_is_read_from_peers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                (link,) = there.traffic.links.values()
                disk = SlowDisk()
                monkeypatch.setattr(there.traffic, "storage", disk)
                transport = link._transport
                assert transport is not None and transport.is_reading()
                await asyncio.get_running_loop().sock_sendall(peer, GREETING)
                await until(lambda: not transport.is_reading())
                disk.congested = False
                there.traffic.read_on()
                assert transport.is_reading()
                peer.close()
                await until(lambda: there.traffic.links == {})

        run(scenario())

    def test_a_piece_that_cannot_be_read_is_told_unless_the_peer_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                there.traffic.start()
                peer = await there.meet()
                (connection,) = there.traffic.links
                disk = SlowDisk()
                monkeypatch.setattr(there.traffic, "storage", disk)
                read = ReadBlocks(connection, 7, [(0, 16384)])
                there.traffic.perform([read, read], time.monotonic())
                first, second = disk.answers
                first(StoreError("file", "the disk is dying"))
                assert there.owner.told == ["piece 7: the disk is dying"]
                peer.close()
                await until(lambda: there.traffic.links == {})
                second(StoreError("file", "the disk is dying"))
                assert there.owner.told == ["piece 7: the disk is dying"]

        run(scenario())


class TestTold:
    def test_what_concerns_the_torrent_is_told_to_it_in_order(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with room(tmp_path) as there:
                actions: list[Action] = [MetadataRefused("it is private"), Completed()]
                there.traffic.perform(actions, time.monotonic())
                assert there.owner.told == ["metadata refused: it is private", "completed"]

        run(scenario())


KIB = 1024


TORRENT = single_file(random.Random(6).randbytes(1_000_000), 32 * KIB, b"data.bin")


@asynccontextmanager
async def transfer(
    tmp_path: Path, limits: Limits | None = None
) -> AsyncIterator[tuple[Session, Session, InfoHash]]:
    """A seeder, and a leecher that was told of it."""
    host = new_host()
    async with (
        running(make_config(tmp_path / "a", host, limits=limits)) as seeder,
        running(make_config(tmp_path / "b", new_host(), limits=limits)) as leecher,
    ):
        infohash = await seed(seeder, TORRENT, tmp_path / "source")
        await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
        yield seeder, leecher, infohash


def traffic_of(session: Session, infohash: InfoHash) -> Traffic:
    return session._torrents[infohash].traffic


class TestTransfer:
    def test_without_a_read_cache_every_block_still_comes(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            limits = Limits(read_cache_bytes_max=0)
            async with transfer(tmp_path, limits) as (_, leecher, infohash):
                assert await leecher.wait(infohash, "done", TIMEOUT_S)

        run(scenario())
        assert is_complete(TORRENT, tmp_path / "b" / "downloads")

    def test_a_small_send_buffer_slows_nothing_down_to_a_stop(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            limits = Limits(send_buffer_bytes_max=64 * KIB)
            async with transfer(tmp_path, limits) as (_, leecher, infohash):
                assert await leecher.wait(infohash, "done", TIMEOUT_S)

        run(scenario())

    def test_links_are_held_while_the_disk_is_behind_and_let_go_after(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storage_module, "CONGESTED_BYTES", 32 * KIB)
        monkeypatch.setattr(storage_module, "RELIEVED_BYTES", 0)
        held: list[int] = []
        read_on = Traffic.read_on

        def spy(traffic: Traffic) -> None:
            held.append(len(traffic._held))
            read_on(traffic)

        monkeypatch.setattr(Traffic, "read_on", spy)

        async def scenario() -> None:
            async with transfer(tmp_path) as (_, leecher, infohash):
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert 1 in held
                assert traffic_of(leecher, infohash)._held == {}

        run(scenario())
        assert is_complete(TORRENT, tmp_path / "b" / "downloads")


class TestStopped:
    def test_a_stopped_torrent_takes_no_connection_and_dials_nobody(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with transfer(tmp_path) as (_, leecher, infohash):
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                await leecher.pause(infohash)
                traffic = traffic_of(leecher, infohash)
                assert traffic.link_for(Address("127.0.0.1", 1)) is None
                assert traffic.links == {}
                ours, theirs = socket.socketpair()
                services = leecher._services
                link = Link(make_connection(), traffic, ReceiveBuffer(1024), services.tasks, 1024)
                loop = asyncio.get_running_loop()
                ours.setblocking(False)
                theirs.setblocking(False)
                await loop.connect_accepted_socket(lambda: link, ours)
                while await loop.sock_recv(theirs, 1024):
                    pass  # its handshake, then the end
                theirs.close()
                assert traffic.links == {}

        run(scenario())

    def test_actions_for_a_connection_that_is_gone_are_nothing(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with transfer(tmp_path) as (_, leecher, infohash):
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                traffic = traffic_of(leecher, infohash)
                gone = make_connection()
                now = time.monotonic()
                read = ReadBlocks(gone, 0, [(0, 16 * KIB)])
                traffic.perform([Transmit(gone), Close(gone, "why"), read], now)
                await until(lambda: leecher._disk.workers_for(tmp_path).unfinished == 0)
                assert gone not in traffic.links

        run(scenario())
