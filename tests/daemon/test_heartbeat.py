"""What the service manager hears while we live: from the parts, and from a real process."""

import asyncio
import os
import queue
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.fake_session import FakeSession
from tests.daemon.session_room import TIMEOUT_S, new_host, run
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon import heartbeat
from torrentd.daemon.heartbeat import OVERDUE_S_MAX, Heartbeat
from torrentd.daemon.status import DaemonStatus
from torrentd.daemon.systemd import Supervisor


class Session:
    """One that is as its test says."""

    def __init__(self) -> None:
        self.overdue_s = 0.0
        self.count = 1
        self.fake = FakeSession()

    def status(self) -> DaemonStatus:
        return self.fake.status()

    def dht_overdue_s(self, now: float) -> float:
        return self.overdue_s

    def torrent_count(self) -> int:
        return self.count


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd holds at the other end of $NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(TIMEOUT_S)
        yield sock


def make_heartbeat(manager: socket.socket, session: Session, watchdog_s: float = 0) -> Heartbeat:
    environ = {"NOTIFY_SOCKET": manager.getsockname()}
    if watchdog_s:
        environ["WATCHDOG_USEC"] = str(int(watchdog_s * 1_000_000))
    return Heartbeat(Supervisor(environ), session)


def received(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


class TestBeat:
    def test_a_node_that_keeps_its_times_is_alive(self, manager: socket.socket) -> None:
        session = Session()
        session.overdue_s = OVERDUE_S_MAX
        assert make_heartbeat(manager, session).beat(0.0)
        assert received(manager) == ["WATCHDOG=1"]

    def test_a_node_that_nobody_calls_any_more_is_not(self, manager: socket.socket) -> None:
        session = Session()
        session.overdue_s = OVERDUE_S_MAX + 1
        assert not make_heartbeat(manager, session).beat(0.0)
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)


class TestSentence:
    def test_it_has_the_numbers_that_people_look_for(self, manager: socket.socket) -> None:
        session = Session()
        expected = "1 torrent, down 12.3 MiB/s, up 1.1 MiB/s, 14 peers, 123 DHT nodes"
        assert make_heartbeat(manager, session).sentence() == expected
        session.count = 3
        session.fake.warnings = ["disk full on /srv", "no network"]
        sentence = make_heartbeat(manager, session).sentence()
        assert sentence.startswith("3 torrents, ") and sentence.endswith(", disk full on /srv")

    def test_the_same_is_not_said_twice(self, manager: socket.socket) -> None:
        session = Session()
        beat = make_heartbeat(manager, session)
        beat.say()
        beat.say()
        session.count = 2
        beat.say()
        assert received(manager)[0].startswith("STATUS=1 torrent,")
        assert received(manager)[0].startswith("STATUS=2 torrents,")


class TestRun:
    def test_nobody_listens(self) -> None:
        run(Heartbeat(Supervisor({}), Session()).run())

    def test_signs_of_life_come_three_times_in_the_time_that_is_given(
        self, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heartbeat, "STATUS_INTERVAL_S", 0.02)

        async def scenario() -> None:
            beat = make_heartbeat(manager, Session(), watchdog_s=0.03)
            life = asyncio.ensure_future(beat.run())
            said = [await asyncio.to_thread(received, manager)]
            while not said[-1][0].startswith("STATUS="):
                said.append(await asyncio.to_thread(received, manager))
            life.cancel()
            assert said[:-1] == [["WATCHDOG=1"]] * (len(said) - 1)
            assert len(said) >= 3

        run(scenario())

    def test_patience_is_asked_for_as_long_as_it_takes(
        self, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heartbeat, "PATIENCE_INTERVAL_S", 0.01)

        async def scenario() -> None:
            with make_heartbeat(manager, Session()).patience():
                for _ in range(3):
                    said = await asyncio.to_thread(received, manager)
                    assert said == ["EXTEND_TIMEOUT_USEC=30000000"]
            await asyncio.to_thread(_drain, manager)

        run(scenario())
        with pytest.raises(BlockingIOError):
            manager.recv(4096)


def _drain(manager: socket.socket) -> None:
    manager.setblocking(False)
    try:
        while True:
            manager.recv(4096)
    except BlockingIOError:
        pass


class Listener(threading.Thread):
    """Reads all that is said, as it is said: a full socket would lose the rest."""

    def __init__(self, manager: socket.socket) -> None:
        super().__init__(daemon=True)
        self._manager = manager
        self._said: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def run(self) -> None:
        with suppress(OSError):  # closed by the test's end
            while True:
                self._said.put(received(self._manager))

    def until(self, what: str) -> list[list[str]]:
        """All that was said since, the last of it with that."""
        heard = [self._said.get(timeout=TIMEOUT_S)]
        while heard[-1][0] != what:
            heard.append(self._said.get(timeout=TIMEOUT_S))
        return heard


def test_a_whole_life_is_told(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real process; the order is what systemd goes by."""
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    listener = Listener(manager)
    listener.start()
    with TorrentdProcess(new_host(), tmp_path / "daemon") as daemon:
        start = listener.until("READY=1")
        assert start[0] == ["EXTEND_TIMEOUT_USEC=30000000"]
        assert start[-1][1].startswith("STATUS=0 torrents, ")
        listener.until("WATCHDOG=1")
        os.kill(daemon.pid, signal.SIGHUP)
        listener.until("RELOADING=1")
        listener.until("READY=1")
        assert daemon.stop() == 0
        listener.until("STOPPING=1")
