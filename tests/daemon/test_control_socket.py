"""The control socket as a file: permissions, who may use it, what was there before (T42)."""

import os
import pwd
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from torrentd.daemon.control_socket import (
    Access,
    ControlSocketError,
    find_group,
    listen,
    peer_credentials,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, since a socket's path holds 107 bytes; private, as a folder of mkdtemp is."""
    with tempfile.TemporaryDirectory(prefix="ctl") as name:
        yield Path(name)


class TestFile:
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
    @pytest.mark.parametrize("mode", [0o660, 0o600])
    def test_the_mode_is_exact_whatever_the_umask(
        self, folder: Path, umask: int, mode: int
    ) -> None:
        before = os.umask(umask)
        try:
            listener = listen(folder / "s", mode, None)
        finally:
            os.umask(before)
        assert stat.S_IMODE((folder / "s").stat().st_mode) == mode
        listener.close()

    def test_it_has_its_mode_before_it_listens_and_its_name_after(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[int, bool]] = []

        class Watched(socket.socket):
            def listen(self, backlog: int = 0, /) -> None:
                (newcomer,) = folder.iterdir()
                seen.append((stat.S_IMODE(newcomer.stat().st_mode), (folder / "s").exists()))
                super().listen(backlog)

        monkeypatch.setattr(socket, "socket", Watched)
        listen(folder / "s", 0o660, None).close()
        assert seen == [(0o660, False)]

    def test_its_folder_is_made_private(self, folder: Path) -> None:
        listener = listen(folder / "run" / "s", 0o660, None)
        assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700
        listener.close()

    def test_the_group_gets_into_the_folder(self, folder: Path) -> None:
        listener = listen(folder / "run" / "s", 0o660, os.getgid())
        assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o750
        assert (folder / "run" / "s").stat().st_gid == os.getgid()
        listener.close()

    @pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
    def test_a_folder_others_may_write_in_is_refused(self, folder: Path, mode: int) -> None:
        (folder / "open").mkdir()
        (folder / "open").chmod(mode)
        with pytest.raises(ControlSocketError, match="others may write"):
            listen(folder / "open" / "s", 0o660, None)

    def test_the_file_goes_with_the_socket(self, folder: Path) -> None:
        listen(folder / "s", 0o660, None).close()
        assert list(folder.iterdir()) == []

    def test_the_socket_of_a_successor_stays(self, folder: Path) -> None:
        first = listen(folder / "s", 0o660, None)
        first.sock.close()
        second = listen(folder / "s", 0o660, None)
        first.close()
        assert (folder / "s").exists()
        second.close()

    def test_a_path_that_is_too_long_is_one_sentence(self, folder: Path) -> None:
        with pytest.raises(ControlSocketError, match="longer than 107 bytes"):
            listen(folder / ("x" * 120), 0o660, None)


class TestWhatWasThere:
    def test_a_stale_socket_is_replaced(self, folder: Path) -> None:
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(folder / "s"))
        stale.close()
        listener = listen(folder / "s", 0o660, None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "s"))
        listener.close()

    def test_a_live_socket_is_not_stolen(self, folder: Path) -> None:
        first = listen(folder / "s", 0o660, None)
        with pytest.raises(ControlSocketError, match="another daemon answers"):
            listen(folder / "s", 0o660, None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "s"))
        first.close()

    def test_a_file_a_folder_and_a_link_are_never_replaced(self, folder: Path) -> None:
        (folder / "file").write_text("precious")
        (folder / "folder").mkdir()
        (folder / "link").symlink_to(folder / "file")
        for name in ("file", "folder", "link"):
            with pytest.raises(ControlSocketError, match="is not a socket"):
                listen(folder / name, 0o660, None)
        assert (folder / "file").read_text() == "precious"


class TestAccess:
    def test_root_and_our_own_user_may(self) -> None:
        access = Access(own_uid=1000, group_id=None)
        assert access.allows(0, 0) and access.allows(1000, 1000)

    def test_anybody_else_may_not(self) -> None:
        access = Access(own_uid=1000, group_id=None)
        assert not access.allows(1001, 1000) and not access.allows(65534, 0)

    def test_members_of_the_group_may(self) -> None:
        access = Access(own_uid=1000, group_id=123)
        assert access.allows(4_000_000_000, 123)
        assert not access.allows(4_000_000_000, 124)

    def test_a_supplementary_group_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "getgrouplist", lambda name, gid: [gid, 123])
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: type("P", (), {"pw_name": "alice"}))
        assert Access(own_uid=1000, group_id=123).allows(1001, 1001)
        assert not Access(own_uid=1000, group_id=77).allows(1001, 1001)

    def test_an_unknown_group_is_one_sentence(self) -> None:
        with pytest.raises(ControlSocketError, match='there is no group "no such group"'):
            find_group("no such group")

    def test_the_kernel_says_who_connected(self) -> None:
        ours, theirs = socket.socketpair()
        assert peer_credentials(ours) == (os.getpid(), os.getuid(), os.getgid())
        ours.close()
        theirs.close()
