"""daemon/porch.py: who comes for a torrent at rest waits unread, and is handed over or let go."""

import asyncio
from pathlib import Path

from tests.daemon.session_room import make_config, new_host, run, running, turn, until
from tests.daemon.shelf_room import shelve
from tests.daemon.test_incoming import Room, handshake
from torrentd.daemon.session import Session
from torrentd.wire.formats.handshake import HANDSHAKE_BYTES, decode_handshake
from torrentd.wire.formats.ids import InfoHash


async def waiting(session: Session) -> None:
    await until(lambda: bool(session._porch._waiting))


def hold_wakes(session: Session) -> asyncio.Event:
    """Torrents wake when this is set, no sooner."""
    event, wake = asyncio.Event(), session._porch._wake

    async def late(infohash: InfoHash) -> None:
        await event.wait()
        await wake(infohash)

    session._porch._wake = late
    return event


def test_what_it_says_meanwhile_is_read_when_the_torrent_is_awake(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        config = make_config(tmp_path, host)
        (torrent,) = shelve(config, 1)
        async with running(config) as session:
            await until(lambda: session.torrents()[0].state == "seeding")
            event = hold_wakes(session)
            peer = await Room(session, host, torrent.infohash).connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(peer, handshake(torrent.infohash))
            await waiting(session)
            await loop.sock_sendall(peer, b"\0\0\0\1\2")  # interested
            event.set()
            answer = await loop.sock_recv(peer, HANDSHAKE_BYTES)
            assert decode_handshake(answer).infohash == torrent.infohash
            await until(lambda: "i" in session.peers(torrent.infohash)[0].flags.lower())
            peer.close()

    run(scenario())


def test_who_leaves_before_is_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        config = make_config(tmp_path, host)
        (torrent,) = shelve(config, 1)
        async with running(config) as session:
            await until(lambda: session.torrents()[0].state == "seeding")
            event = hold_wakes(session)
            peer = await Room(session, host, torrent.infohash).connect()
            await asyncio.get_running_loop().sock_sendall(peer, handshake(torrent.infohash))
            await waiting(session)
            for link in list(session._porch._waiting):
                link.abort()
            await until(lambda: not session._porch._waiting)
            event.set()
            await session.wake(torrent.infohash)
            assert session.peers(torrent.infohash) == []
            peer.close()

    run(scenario())


def test_a_stop_lets_go_of_whoever_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        config = make_config(tmp_path, host)
        (torrent,) = shelve(config, 1)
        async with running(config) as session:
            await until(lambda: session.torrents()[0].state == "seeding")
            hold_wakes(session)
            peer = await Room(session, host, torrent.infohash).connect()
            await asyncio.get_running_loop().sock_sendall(peer, handshake(torrent.infohash))
            await waiting(session)
        peer.close()

    run(scenario())


def test_a_paused_one_is_not_woken(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        config = make_config(tmp_path, host)
        (torrent,) = shelve(config, 1)
        async with running(config) as session:
            await session.pause(torrent.infohash)
            while torrent.infohash not in session._rest.torrents:
                await session._torrents[torrent.infohash].holding.record.flush()
                session._lay_down()
                await turn()
            peer = await Room(session, host, torrent.infohash).connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(peer, handshake(torrent.infohash))
            try:
                assert await loop.sock_recv(peer, 1) == b""
            except ConnectionResetError:
                pass
            assert torrent.infohash in session._rest.torrents
            peer.close()

    run(scenario())
