"""Incoming connections before their handshake (C1, C2, W10)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemon.session_room import PORT, make_config, new_host, run, running, seed, until
from tests.wire.torrents import single_file
from torrentd.config.schema import Limits
from torrentd.daemon.session import Session
from torrentd.wire.formats.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    decode_handshake,
    encode_handshake,
)
from torrentd.wire.formats.ids import InfoHash, PeerId

TORRENT = single_file(bytes(1000))


def handshake(infohash: InfoHash) -> bytes:
    peer_id = PeerId(b"-XX0001-abcdefghijkl")
    return encode_handshake(Handshake(infohash, peer_id, extension=False, fast=False, dht=False))


class Room:
    """A session that seeds one torrent, and strangers who connect."""

    def __init__(self, session: Session, host: str, infohash: InfoHash) -> None:
        self.session = session
        self.host = host
        self.infohash = infohash

    async def connect(self) -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (self.host, PORT))
        return sock


@asynccontextmanager
async def seeding(tmp_path: Path, limits: Limits | None = None) -> AsyncIterator[Room]:
    host = new_host()
    async with running(make_config(tmp_path, host, limits=limits)) as session:
        yield Room(session, host, await seed(session, TORRENT, tmp_path / "source"))


async def receive_all(sock: socket.socket) -> bytes:
    data = b""
    try:
        while part := await asyncio.get_running_loop().sock_recv(sock, 65536):
            data += part
    except ConnectionResetError:
        pass
    sock.close()
    return data


class TestHandshake:
    @pytest.mark.parametrize("piecemeal", [False, True], ids=["whole", "byte by byte"])
    def test_a_known_infohash_is_answered(self, piecemeal: bool, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                sock = await room.connect()
                loop = asyncio.get_running_loop()
                data = handshake(room.infohash)
                for part in [data[i : i + 1] for i in range(len(data))] if piecemeal else [data]:
                    await loop.sock_sendall(sock, part)
                answer = b""
                while len(answer) < HANDSHAKE_BYTES:
                    answer += await loop.sock_recv(sock, HANDSHAKE_BYTES - len(answer))
                assert decode_handshake(answer).infohash == room.infohash
                assert len(room.session.peers(room.infohash)) == 1
                sock.close()
                await until(lambda: room.session.peers(room.infohash) == [])
                assert room.session._admission.connections == 0

        run(scenario())

    def test_an_unknown_infohash_is_closed_without_a_byte(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                sock = await room.connect()
                sock.send(handshake(InfoHash(b"?" * 20)))
                assert await receive_all(sock) == b""

        run(scenario())

    def test_a_paused_torrent_is_not_there_for_strangers(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                await room.session.pause(room.infohash)
                sock = await room.connect()
                sock.send(handshake(room.infohash))
                assert await receive_all(sock) == b""

        run(scenario())

    @pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(68), b"\x13Bit"[::-1]])
    def test_garbage_is_closed_without_a_byte(self, garbage: bytes, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                sock = await room.connect()
                sock.send(garbage)
                assert await receive_all(sock) == b""

        run(scenario())

    def test_our_own_peer_id_is_not_a_peer(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                await room.session.add_peer(room.infohash, f"{room.host}:{PORT}")
                await until(lambda: room.session.torrent(room.infohash).peers_known == 0)
                await until(lambda: room.session._admission.connections == 0)

        run(scenario())


class TestSilence:
    def test_the_oldest_goes_when_too_many_are_silent(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path, Limits(half_open_max=2)) as room:
                socks = [await room.connect() for _ in range(3)]
                assert await receive_all(socks[0]) == b""
                assert len(room.session._lobby._waiting) == 2
                for sock in socks[1:]:
                    sock.close()

        run(scenario())

    def test_whoever_says_nothing_for_ten_seconds_goes(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with seeding(tmp_path) as room:
                sock = await room.connect()
                lobby = room.session._lobby
                await until(lambda: bool(lobby._waiting))
                due = next(iter(lobby._waiting)).next_deadline()
                assert lobby._next_deadline() == due
                lobby._tick(due - 0.1)
                assert lobby._waiting
                lobby._tick(due)
                assert await receive_all(sock) == b""
                assert lobby._next_deadline() is None

        run(scenario())
