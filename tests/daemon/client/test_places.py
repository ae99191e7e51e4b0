"""Where a client looks for the daemon, and how it is let in."""

import os
import socket
from pathlib import Path

import pytest

from torrentd.daemon.client.errors import NoDaemon
from torrentd.daemon.client.places import SYSTEM_SOCKET, knock, socket_path


class TestWhere:
    def test_the_option_then_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TORRENTCTL_SOCKET", "/from/environment")
        assert socket_path("/from/option") == "/from/option"
        assert socket_path() == "/from/environment"
        assert socket_path("here") == os.path.join(os.getcwd(), "here")

    def test_the_users_own_daemon_if_it_has_a_socket_else_the_systems(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("TORRENTCTL_SOCKET", raising=False)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        assert socket_path() == SYSTEM_SOCKET
        (tmp_path / "torrentd").mkdir()
        (tmp_path / "torrentd" / "control.sock").touch()
        assert socket_path() == str(tmp_path / "torrentd" / "control.sock")


class TestKnocking:
    @pytest.fixture(autouse=True)
    def near(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A path of a socket is short."""
        monkeypatch.chdir(tmp_path)

    def test_through_at_once_and_never_blocking(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("s")
            listener.listen()
            sock = knock("s")
        assert sock is not None and not sock.getblocking()
        sock.close()

    def test_a_queue_at_the_door_is_no_error(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
            listener.bind("s")
            listener.listen(0)
            first.connect("s")
            assert knock("s") is None

    def test_nobody_there(self) -> None:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind("stale")
        Path("file").touch()
        for name in ("none", "stale", "file", "file/below", "x" * 200):
            with pytest.raises(NoDaemon, match="no daemon at"):
                knock(name)

    def test_no_permission(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: socket.socket, address: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(NoDaemon, match="join its group"):
            knock("s")
