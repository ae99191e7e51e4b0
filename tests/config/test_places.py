"""config/places.py: systemd's folders, the user's folders, the order of the search."""

import os
from pathlib import Path

import pytest

from torrentd.config import places
from torrentd.config.places import default_places, find_config_file


def test_systemd_tells_a_service_its_folders() -> None:
    found = default_places(
        {
            "STATE_DIRECTORY": "/var/lib/torrentd:/var/lib/other",
            "RUNTIME_DIRECTORY": "/run/torrentd",
            "HOME": "/home/u",
            "XDG_STATE_HOME": "/home/u/state",
            "XDG_RUNTIME_DIR": "/run/user/1000",
        }
    )
    assert found.state_dir == Path("/var/lib/torrentd")
    assert found.download_dir == Path("/var/lib/torrentd/downloads")
    assert found.control_socket == Path("/run/torrentd/control.sock")


def test_a_user_has_xdg_folders(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/1000"}
    found = default_places(environ)
    assert found.state_dir == tmp_path / ".local/state/torrentd"
    assert found.download_dir == tmp_path / "Downloads"
    assert found.control_socket == Path("/run/user/1000/torrentd/control.sock")
    moved = default_places({**environ, "XDG_STATE_HOME": "/elsewhere"})
    assert moved.state_dir == Path("/elsewhere/torrentd")


def test_a_relative_path_in_an_xdg_variable_is_ignored(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": "state", "STATE_DIRECTORY": "torrentd"}
    assert default_places(environ).state_dir == tmp_path / ".local/state/torrentd"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'XDG_DOWNLOAD_DIR="$HOME/Bajadas"\n', "{home}/Bajadas"),
        (b'# a comment\nXDG_DOWNLOAD_DIR="/srv/d"', "/srv/d"),
        ('XDG_DOWNLOAD_DIR="$HOME/Téléchargements"'.encode(), "{home}/Téléchargements"),
        (b'#XDG_DOWNLOAD_DIR="/srv/d"', "{home}/Downloads"),
        (b'XDG_DOWNLOAD_DIR="relative"', "{home}/Downloads"),
        (b"\xff\x00", "{home}/Downloads"),
    ],
)
def test_the_desktop_names_the_download_folder(tmp_path: Path, line: bytes, expected: str) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/user-dirs.dirs").write_bytes(line)
    found = default_places({"HOME": str(tmp_path)})
    assert str(found.download_dir) == expected.format(home=tmp_path)


def test_without_a_runtime_folder_the_socket_stands_beside_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    found = default_places({"HOME": "/home/u"})
    assert found.control_socket == Path("/home/u/.local/state/torrentd/control.sock")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    found = default_places({"HOME": "/root"})
    assert found.control_socket == Path("/run/torrentd/control.sock")


def test_a_home_is_found_without_the_variable() -> None:
    assert default_places({}).state_dir.is_absolute()


def test_a_uid_without_an_account_has_the_root_as_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert default_places({}).state_dir == Path("/.local/state/torrentd")


class TestTheSearchOrder:
    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A machine that has every file."""
        monkeypatch.setattr(places, "SYSTEM_CONFIG", tmp_path / "etc.yaml")
        for name in ("etc.yaml", ".config/torrentd/torrentd.yaml", "service/torrentd.yaml"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    def test_the_option_wins_whether_the_file_is_there_or_not(self, home: Path) -> None:
        environ = {"HOME": str(home), "TORRENTD_CONFIG": "/named"}
        assert find_config_file(Path("missing"), environ) == Path("missing")

    def test_then_the_variable_whether_the_file_is_there_or_not(self, home: Path) -> None:
        environ = {"HOME": str(home), "TORRENTD_CONFIG": "/named/missing"}
        assert find_config_file(None, environ) == Path("/named/missing")

    def test_then_the_users_file(self, home: Path) -> None:
        found = find_config_file(None, {"HOME": str(home), "TORRENTD_CONFIG": ""})
        assert found == home / ".config/torrentd/torrentd.yaml"
        moved = {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(home / ".config")}
        assert find_config_file(None, moved) == found

    def test_a_service_never_reads_the_home_it_may_write(self, home: Path) -> None:
        environ = {"HOME": str(home), "CONFIGURATION_DIRECTORY": str(home / "service")}
        assert find_config_file(None, environ) == home / "service/torrentd.yaml"
        (home / "service/torrentd.yaml").unlink()
        assert find_config_file(None, environ) == home / "etc.yaml"

    def test_then_the_systems_file(self, home: Path) -> None:
        (home / ".config/torrentd/torrentd.yaml").unlink()
        assert find_config_file(None, {"HOME": str(home)}) == home / "etc.yaml"

    def test_then_the_defaults(self, home: Path) -> None:
        (home / ".config/torrentd/torrentd.yaml").unlink()
        (home / "etc.yaml").unlink()
        assert find_config_file(None, {"HOME": str(home)}) is None

    def test_a_file_that_may_not_be_seen_is_not_passed_over(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: Path) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "stat", refuse)
        expected = home / ".config/torrentd/torrentd.yaml"
        assert find_config_file(None, {"HOME": str(home)}) == expected
