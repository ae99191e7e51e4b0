"""What a swarm asks for is done: cached blocks at once, others later, links held and let go."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.daemon.tcp import Link, ReceiveBuffer
from torrentd.daemon.traffic import Traffic
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.swarm.actions import Close, ReadBlocks, Transmit

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

    def test_links_are_held_while_the_disk_is_behind_and_let_go_after(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with transfer(tmp_path) as (_, leecher, infohash):
                held = []
                traffic = traffic_of(leecher, infohash)
                read_on = traffic.read_on
                traffic.read_on = lambda: (held.append(len(traffic._held)), read_on())[1]  # type: ignore[method-assign, func-returns-value]  # a spy
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert 1 in held
                assert traffic._held == {}

        before = storage_module.CONGESTED_BYTES, storage_module.RELIEVED_BYTES
        storage_module.CONGESTED_BYTES, storage_module.RELIEVED_BYTES = 32 * KIB, 0
        try:
            run(scenario())
        finally:
            storage_module.CONGESTED_BYTES, storage_module.RELIEVED_BYTES = before
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
