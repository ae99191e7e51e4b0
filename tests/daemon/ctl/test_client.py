"""The client: where it looks for the daemon, and every way the daemon may fail it."""

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.control_fixture import serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.control_lines import encode_notification, encode_result
from torrentd.daemon.ctl import client as client_module
from torrentd.daemon.ctl.client import SYSTEM_SOCKET, Client, socket_path
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ctl") as name:
        yield Path(name)


@contextmanager
def daemon_of(path: Path, behave: Callable[[socket.socket], None]) -> Iterator[None]:
    """Something that listens at `path` and does `behave` to its first client."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield
        thread.join(10)


def failure(path: Path, answer_s: float = 10) -> Failure:
    client = Client(str(path))
    with pytest.raises(Failure) as caught:
        client.call("status", answer_s=answer_s)
    client.close()
    return caught.value


class TestWhere:
    def test_the_option_then_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TORRENTCTL_SOCKET", "/from/environment")
        assert socket_path("/from/option") == "/from/option"
        assert socket_path(None) == "/from/environment"
        assert socket_path("here") == os.path.join(os.getcwd(), "here")

    def test_the_users_own_daemon_if_it_has_a_socket_else_the_systems(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        monkeypatch.delenv("TORRENTCTL_SOCKET", raising=False)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        assert socket_path(None) == SYSTEM_SOCKET
        (folder / "torrentd").mkdir()
        (folder / "torrentd" / "control.sock").touch()
        assert socket_path(None) == str(folder / "torrentd" / "control.sock")


class TestAnswers:
    def test_one_connection_serves_many_calls(self) -> None:
        with serve(FakeSession(make_torrent(1))) as served:
            client = Client(str(served.path))
            assert client.call("version").text("version") == "1.2.3"
            assert client.call("dht").integer("nodes_good") == 123
            client.close()

    def test_a_large_answer_is_read_whole(self) -> None:
        with serve(FakeSession(*(make_torrent(number) for number in range(3000)))) as served:
            client = Client(str(served.path))
            assert len(client.call("status").children("torrents")) == 3000
            client.close()

    def test_the_daemons_no_is_its_sentence(self) -> None:
        with serve(FakeSession()) as served:
            client = Client(str(served.path))
            with pytest.raises(Failure, match="there is no torrent x") as caught:
                client.call("info", {"torrent": "x"})
            assert caught.value.exit_code == REFUSED
            with pytest.raises(Failure, match="older than this torrentctl"):
                client.call("sing")
            client.close()

    def test_a_user_who_may_not_reads_why(self) -> None:
        with serve(FakeSession(), uid=4_000_000_000) as served:
            client = Client(str(served.path))
            with pytest.raises(Failure, match="may not command") as caught:
                client.call("status", payload=bytes(5_000_000))
            assert caught.value.exit_code == REFUSED
            client.close()

    def test_what_is_told_before_the_answer_is_heard_in_order(self, folder: Path) -> None:
        def tells(connection: socket.socket) -> None:
            connection.recv(65536)
            told = [encode_notification("events", {"n": number}) for number in range(3)]
            connection.sendall(b"".join(told) + b"".join(encode_result(1, {"n": 9})))

        heard: list[int] = []
        with daemon_of(folder / "s", tells):
            client = Client(str(folder / "s"))
            answer = client.call("events", on_told=lambda told: heard.append(told.integer("n")))
            client.close()
        assert heard == [0, 1, 2] and answer.integer("n") == 9

    def test_what_nobody_wants_to_hear_is_passed_over(self, folder: Path) -> None:
        def tells(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(encode_notification("x", {}) + b"".join(encode_result(1, {"n": 9})))

        with daemon_of(folder / "s", tells):
            client = Client(str(folder / "s"))
            assert client.call("status").integer("n") == 9
            client.close()

    def test_a_listener_that_fails_is_not_taken_for_the_daemon(self, folder: Path) -> None:
        """`torrentctl … | head -1`: standard output is closed, the daemon is not."""

        def tells(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(encode_notification("x", {}))

        def fails(told: Document) -> None:
            raise BrokenPipeError

        with daemon_of(folder / "s", tells):
            client = Client(str(folder / "s"))
            with pytest.raises(BrokenPipeError):
                client.call("status", on_told=fails)
            client.close()

    def test_the_end_of_the_daemon_is_noticed(self) -> None:
        with serve(FakeSession()) as served:
            client = Client(str(served.path))
            client.call("version")
            assert not client.wait_for_end(0.01)
            served.stop()
            assert client.wait_for_end(10)
            client.close()


class TestFailures:
    def test_no_daemon(self, folder: Path) -> None:
        assert failure(folder / "none").exit_code == NO_DAEMON
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(folder / "stale"))
        (folder / "file").touch()
        for name in ("stale", "file"):
            assert "no daemon at" in failure(folder / name).sentence

    def test_no_permission(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: socket.socket, address: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        refused = failure(folder / "s")
        assert refused.exit_code == NO_DAEMON and "join its group" in refused.sentence

    def test_a_queue_at_the_door_is_waited_for(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "CONNECT_S", 0.05)
        monkeypatch.setattr(client_module, "RETRY_S", 0.01)
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
            listener.bind(str(folder / "s"))
            listener.listen(0)
            first.connect(str(folder / "s"))
            busy = failure(folder / "s")
        assert busy.exit_code == TIMED_OUT and "too busy" in busy.sentence

    def test_a_daemon_that_goes_away_in_the_middle(self, folder: Path) -> None:
        def half(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b'{"jsonrpc":"2.0","id":1,"resu')

        with daemon_of(folder / "s", half):
            gone = failure(folder / "s")
        assert gone.exit_code == NO_DAEMON and "went away" in gone.sentence

    def test_a_daemon_that_is_reset(self, folder: Path) -> None:
        with daemon_of(folder / "s", lambda connection: None):
            assert failure(folder / "s").exit_code == NO_DAEMON

    def test_a_daemon_that_never_answers(self, folder: Path) -> None:
        def silent(connection: socket.socket) -> None:
            while connection.recv(65536):
                pass

        with daemon_of(folder / "s", silent):
            late = failure(folder / "s", answer_s=0.05)
        assert late.exit_code == TIMED_OUT

    @pytest.mark.parametrize("line", [b"HTTP/1.1 400\r\n", b"[]\n", b"\xff\n", b'{"error":7}\n'])
    def test_something_else_that_listens(self, folder: Path, line: bytes) -> None:
        def other(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(line)

        with daemon_of(folder / "s", other):
            assert failure(folder / "s").exit_code == REFUSED
