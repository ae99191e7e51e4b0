"""A link: bytes in, bytes out, back-pressure both ways, and one fault ends one connection."""

import asyncio
import time

import pytest

from tests.daemon.link_room import INFOHASH, LinkRoom
from tests.daemon.session_room import run, supervised, turn, until
from torrentd.daemon import tcp
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.tcp import Hold, Link
from torrentd.wire.formats.handshake import HANDSHAKE_BYTES, decode_handshake


class TestOutage:
    def test_our_end_is_known_while_it_stands(self) -> None:
        """A local socket pair has no TCP: nothing is known of when the peer was heard."""

        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                assert (room.link.local_host, room.link.silent_s) == (None, 0.0)
                await room.connect()
                assert room.link.silent_s == 0.0
                room.link.abort()
                await until(lambda: "lost" in room.told)
                assert (room.link.local_host, room.link.silent_s) == (None, 0.0)
                room.peer.close()

        run(scenario())


class TestBytes:
    def test_what_the_core_queued_is_sent_and_what_comes_is_told(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                room.link.transmit()
                handshake = decode_handshake(await room.hear(HANDSHAKE_BYTES))
                assert handshake.infohash == INFOHASH
                data = bytes(range(256)) * 64
                await asyncio.get_running_loop().sock_sendall(room.peer, data)
                await until(lambda: len(room.received) == len(data))
                assert room.received == data
                assert room.told.count("received") >= len(data) // 4096
                room.peer.close()
                await until(lambda: room.told[-1] == "lost")
                assert room.told[0] == "up" and room.told.count("lost") == 1
                assert room.closed == 1

        run(scenario())

    def test_close_sends_what_is_queued_first(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                room.link.close()
                assert len(await room.hear_the_end()) == HANDSHAKE_BYTES
                room.link.close()
                room.link.transmit()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())

    def test_a_peer_that_does_not_take_the_rest_is_cut_off(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tcp, "LINGER_S", 0.01)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                fill(room.link)
                room.link.close()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())


def fill(link: Link) -> None:
    """More than the kernel takes."""
    link.connection._out.append(bytes(8 * 1024 * 1024))
    link.transmit()


class TestBackPressure:
    def test_the_owner_hears_when_enough_waits_and_when_it_has_left(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                fill(room.link)
                assert room.told == ["up", "paused"]
                await room.hear(8 * 1024 * 1024)
                await until(lambda: "resumed" in room.told)
                room.link.abort()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())

    @pytest.mark.parametrize("waiting_bytes", [8 * 1024 * 1024, 300_000])
    def test_a_reader_that_takes_nothing_in_six_looks_is_cut(
        self, waiting_bytes: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """W7: 60 to 70 s after it last took anything; also when so little waits that nobody was
        told to pause."""
        assert tcp.STALL_LOOK_S * tcp.STALL_LOOKS == 60.0
        monkeypatch.setattr(tcp, "STALL_LOOK_S", 0.01)
        looks = []
        look = Link._look_at_reader

        def counted(link: Link) -> None:
            looks.append("lost" in room.told)
            look(link)

        monkeypatch.setattr(Link, "_look_at_reader", counted)
        room: LinkRoom

        async def scenario() -> None:
            nonlocal room
            async with supervised() as tasks:
                room = LinkRoom(tasks, send_buffer_bytes_max=512 * 1024)
                await room.connect()
                room.link.connection._out.append(bytes(waiting_bytes))
                room.link.transmit()
                await until(lambda: "lost" in room.told)
                assert ("paused" in room.told) is (waiting_bytes > 512 * 1024)
                assert len(looks) in (tcp.STALL_LOOKS, tcp.STALL_LOOKS + 1)
                room.peer.close()

        run(scenario())

    def test_a_slow_reader_that_takes_something_is_not_cut(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even if as much comes to wait as it takes."""
        monkeypatch.setattr(tcp, "STALL_LOOK_S", 1000.0)

        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                fill(room.link)
                for _ in range(2 * tcp.STALL_LOOKS):
                    await room.hear(1024 * 1024)
                    fill(room.link)
                    room.link.connection.uploaded_bytes += 8 * 1024 * 1024
                    room.link._look_at_reader()
                    assert "lost" not in room.told
                for _ in range(tcp.STALL_LOOKS):
                    room.link._look_at_reader()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())

    def test_who_has_taken_everything_is_not_looked_at(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                room.link.connection._out.append(b"hello")
                room.link.transmit()
                await room.hear(5)
                for _ in range(2 * tcp.STALL_LOOKS):
                    room.link._look_at_reader()
                assert room.link._timer is None
                room.link.abort()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())

    def test_nothing_is_read_while_anybody_holds_it(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                room.link.hold_reading(Hold.DISK, True)
                room.link.hold_reading(Hold.CORE, True)
                room.peer.send(b"hello")
                for _ in range(5):
                    await turn()
                room.link.hold_reading(Hold.DISK, False)
                for _ in range(5):
                    await turn()
                assert room.received == b""
                room.link.hold_reading(Hold.CORE, False)
                await until(lambda: room.received == b"hello")
                room.link.abort()
                await until(lambda: "lost" in room.told)
                room.link.hold_reading(Hold.DISK, True)
                room.peer.close()

        run(scenario())

    def test_a_read_takes_no_more_than_it_may(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                room.link.limit_read(5)
                await room.connect()
                room.peer.send(b"hello world")
                await until(lambda: room.received == b"hello world")
                assert room.told == ["up"] + ["received"] * 3
                room.link.limit_read(None)
                room.peer.send(b"hello world")
                await until(lambda: len(room.received) == 22)
                assert room.told.count("received") == 4
                room.link.abort()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())

    def test_a_core_that_heard_too_much_is_given_a_rest(self) -> None:
        """W9."""

        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                await room.connect()
                rests_until = time.monotonic() + 0.05
                room.link.connection.reading_paused_until = rests_until
                room.peer.send(b"one")
                await until(lambda: room.received == b"one")
                room.peer.send(b"two")
                await until(lambda: room.received == b"onetwo")
                assert time.monotonic() >= rests_until - 0.002
                room.link.abort()
                await until(lambda: "lost" in room.told)
                room.peer.close()

        run(scenario())


class TestDescriptors:
    def test_a_link_closed_as_soon_as_it_is_up_closes_its_descriptor_once(self) -> None:
        """The number is somebody else's by the time that the socket object is collected."""

        async def scenario() -> None:
            async with supervised() as tasks:
                room = LinkRoom(tasks)
                room.on_up = room.link.abort
                await room.connect()
                await until(lambda: "lost" in room.told)
                assert room.ours.fileno() == -1
                room.peer.close()

        run(scenario())


class TestFaults:
    """Rule 28: a fault in a peer's core ends that connection, counted, and nothing else."""

    @pytest.mark.parametrize("when", ["received", "paused", "up"])
    def test_a_fault_ends_the_connection_alone(self, when: str) -> None:
        async def scenario() -> None:
            fatal: list[BaseException] = []
            tasks = Tasks(fatal.append)
            room = LinkRoom(tasks)
            fault = ValueError("a bug")
            if when == "up":
                room.fault = fault
            await room.connect()
            if when == "received":
                room.fault = fault
                room.peer.send(b"x")
            elif when == "paused":
                room.fault = fault
                fill(room.link)
            await until(lambda: "lost" in room.told)
            assert tasks.faults == [fault]
            assert fatal == []
            room.peer.close()

        run(scenario())
