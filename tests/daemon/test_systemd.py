"""daemon/systemd.py against a supervisor of our own: sd_notify(3), the watchdog, LISTEN_FDS."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from torrentd.daemon.systemd import Supervisor, inherited_control_socket

HOSTILE_STATUS = "name\nSTOPPING=1\x1b[31m"


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd holds at the other end of $NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


@pytest.fixture
def supervisor(listener: socket.socket) -> Supervisor:
    return Supervisor({"NOTIFY_SOCKET": listener.getsockname()})


def received(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


class TestNotify:
    def test_ready_with_a_status(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.ready("12 torrents")
        assert received(listener) == ["READY=1", "STATUS=12 torrents"]

    def test_ready_alone(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.ready()
        assert received(listener) == ["READY=1"]

    def test_status(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.status("downloading")
        assert received(listener) == ["STATUS=downloading"]

    def test_stopping(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.stopping("saving the state")
        assert received(listener) == ["STOPPING=1", "STATUS=saving the state"]

    def test_watchdog(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.watchdog()
        assert received(listener) == ["WATCHDOG=1"]

    def test_extend_timeout(self, supervisor: Supervisor, listener: socket.socket) -> None:
        assert supervisor.extend_timeout(2.5)
        assert received(listener) == ["EXTEND_TIMEOUT_USEC=2500000"]

    def test_reloading_says_when(self, supervisor: Supervisor, listener: socket.socket) -> None:
        """sd_notify(3): RELOADING=1 needs "a MONOTONIC_USEC= field" of CLOCK_MONOTONIC."""
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        assert supervisor.reloading()
        first, second = received(listener)
        assert first == "RELOADING=1"
        name, _, usec = second.partition("=")
        assert name == "MONOTONIC_USEC"
        after = time.clock_gettime(time.CLOCK_MONOTONIC)
        assert before - 0.001 <= int(usec) / 1_000_000 <= after

    def test_a_status_cannot_say_anything_else(
        self, supervisor: Supervisor, listener: socket.socket
    ) -> None:
        supervisor.status(HOSTILE_STATUS)
        (line,) = received(listener)
        assert line == "STATUS=name\\nSTOPPING=1\\x1b[31m"

    def test_an_abstract_address(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            name = f"torrentd-test-{os.getpid()}"
            sock.bind("\0" + name)
            sock.setblocking(False)
            assert Supervisor({"NOTIFY_SOCKET": "@" + name}).ready()
            assert received(sock) == ["READY=1"]

    @pytest.mark.parametrize("address", ["", "/nowhere/notify", "x" * 500, "/a\0b"])
    def test_without_anybody_there_nothing_happens(self, address: str) -> None:
        nobody = Supervisor({"NOTIFY_SOCKET": address} if address else {})
        assert not nobody.ready("x")
        assert not nobody.watchdog()

    def test_a_supervisor_that_does_not_read_is_not_waited_for(
        self, supervisor: Supervisor, listener: socket.socket
    ) -> None:
        taken = 0
        while supervisor.status("x" * 100) and taken < 100_000:
            taken += 1
        assert 0 < taken < 100_000
        received(listener)
        assert supervisor.watchdog()


class TestWatchdog:
    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            ({}, None),
            ({"WATCHDOG_USEC": "60000000"}, 20.0),
            ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
            ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
            ({"WATCHDOG_USEC": "²"}, None),
        ],
    )
    def test_the_interval_is_a_third(self, environ: dict[str, str], expected: float | None) -> None:
        assert Supervisor(environ).watchdog_interval_s == expected


class TestInheritedSockets:
    @pytest.fixture
    def listening(self, tmp_path: Path) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(tmp_path / "control.sock"))
            sock.listen()
            yield sock

    def handed_over(self, fds: list[int]) -> tuple[dict[str, str], int]:
        """Copies of the descriptors in a row of their own, as after an exec."""
        first = 200
        for offset, fd in enumerate(fds):
            os.dup2(fd, first + offset, inheritable=True)
        environ = {
            "LISTEN_PID": str(os.getpid()),
            "LISTEN_FDS": str(len(fds)),
            "LISTEN_FDNAMES": "control",
            "PATH": "/bin",
        }
        return environ, first

    def test_the_control_socket_is_found(self, listening: socket.socket) -> None:
        environ, first = self.handed_over([listening.fileno()])
        found = inherited_control_socket(environ, first)
        assert found is not None
        with found:
            assert found.getsockname() == listening.getsockname()
            assert not found.get_inheritable()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(listening.getsockname())
                found.accept()[0].close()
        assert environ == {"PATH": "/bin"}
        assert inherited_control_socket(environ, first) is None

    def test_what_is_no_control_socket_is_closed(self, listening: socket.socket) -> None:
        with (
            socket.socket(socket.AF_INET) as tcp,
            socket.socket(socket.AF_UNIX) as silent,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
        ):
            others = [tcp.fileno(), silent.fileno(), datagrams.fileno()]
            environ, first = self.handed_over([*others, listening.fileno(), listening.fileno()])
        found = inherited_control_socket(environ, first)
        assert found is not None
        assert found.fileno() == first + 3
        found.close()
        for fd in range(first, first + 5):
            with pytest.raises(OSError):
                os.fstat(fd)

    @pytest.mark.parametrize(
        "change",
        [
            *({"LISTEN_PID": "1"}, {"LISTEN_PID": ""}, {"LISTEN_FDS": "x"}),
            *({"LISTEN_FDS": ""}, {"LISTEN_FDS": "0"}, {"LISTEN_FDS": "-1"}),
        ],
    )
    def test_descriptors_of_another_process_are_left_alone(
        self, change: dict[str, str], listening: socket.socket
    ) -> None:
        environ, first = self.handed_over([listening.fileno()])
        assert inherited_control_socket({**environ, **change}, first) is None
        os.close(first)  # still open

    def test_descriptors_that_are_not_open_or_no_sockets(self, tmp_path: Path) -> None:
        with (tmp_path / "file").open("wb") as file:
            environ, first = self.handed_over([file.fileno()])
        environ["LISTEN_FDS"] = "1000000000"
        assert inherited_control_socket(environ, first) is None
        os.close(first)
