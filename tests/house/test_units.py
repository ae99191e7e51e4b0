"""The service units: systemd finds nothing to complain about, and little that is exposed (T48)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT, required
from torrentd.daemon.ctl.client import SYSTEM_SOCKET

UNITS = ROOT / "systemd"
SYSTEM_UNIT = UNITS / "torrentd.service"
USER_UNIT = UNITS / "torrentd.user.service"
EXPOSURE_MAX = 1.5
VERIFY_S_MAX = 60


def systemd(tool: str, *arguments: str, runtime_dir: Path, text: str = "") -> str:
    """What it prints, both streams; the file names of a broken unit are in it."""
    path = shutil.which(tool)
    if path is None:
        required(tool, "install systemd")
    done = subprocess.run(
        [tool, *arguments],
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(runtime_dir), "SYSTEMD_COLORS": "0"},
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=VERIFY_S_MAX,
        check=False,
    )
    return done.stdout


def installed(unit: Path, folder: Path) -> Path:
    """A copy under its real name, with a program that is there."""
    text = re.sub(r"^(Exec\w+)=\S+", r"\1=/bin/true", unit.read_text(), flags=re.M)
    assert text.count("/bin/true") == 2
    copy = folder / "torrentd.service"
    copy.write_text(text)
    return copy


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_systemd_understands_every_line_of_the_service(tmp_path: Path) -> None:
    unit = installed(SYSTEM_UNIT, tmp_path)
    assert systemd("systemd-analyze", "verify", str(unit), runtime_dir=tmp_path) == ""


def test_systemd_understands_every_line_of_the_users_service(tmp_path: Path) -> None:
    unit = installed(USER_UNIT, tmp_path)
    assert systemd("systemd-analyze", "--user", "verify", str(unit), runtime_dir=tmp_path) == ""


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    unit = installed(SYSTEM_UNIT, tmp_path)
    unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClok="))
    told = systemd("systemd-analyze", "verify", str(unit), runtime_dir=tmp_path)
    assert "ProtectClok" in told


def test_the_service_is_hardly_exposed(tmp_path: Path) -> None:
    unit = installed(SYSTEM_UNIT, tmp_path)
    arguments = ("security", "--offline=true", "--no-pager", str(unit))
    told = systemd("systemd-analyze", *arguments, runtime_dir=tmp_path)
    match = re.search(r"Overall exposure level for torrentd.service: ([\d.]+)", told)
    assert match is not None, told
    assert float(match[1]) <= EXPOSURE_MAX


def test_the_account_is_one_that_systemd_can_make(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    account = (UNITS / "torrentd.sysusers").read_text()
    arguments = (f"--root={root}", "-")
    told = systemd("systemd-sysusers", *arguments, runtime_dir=tmp_path, text=account)
    assert "Creating user 'torrentd'" in told
    (line,) = (root / "etc/passwd").read_text().splitlines()
    assert line.startswith("torrentd:x:")
    assert line.endswith(":/var/lib/torrentd:/usr/sbin/nologin")


@pytest.mark.parametrize("unit", [SYSTEM_UNIT, USER_UNIT])
def test_both_services_are_watched_and_told_apart_from_a_mistake_of_the_user(unit: Path) -> None:
    found = settings(unit)
    assert found["Type"] == ["notify"]
    assert found["WatchdogSec"] == ["60"]
    assert found["RestartPreventExitStatus"] == ["78"]
    (reload,) = found["ExecReload"]
    assert reload.endswith("/torrentctl reload")  # which waits, and fails for a wrong file


def test_the_service_has_an_account_and_folders_of_its_own() -> None:
    found = settings(SYSTEM_UNIT)
    for name in ("User", "Group", "StateDirectory", "RuntimeDirectory", "ConfigurationDirectory"):
        assert found[name] == ["torrentd"]
    assert found["ExecStart"] == ["/opt/torrentd/bin/torrentd"]
    assert found["ProtectSystem"] == ["strict"]
    assert found["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX AF_NETLINK"]
    assert int(found["LimitNOFILE"][0]) >= 8192
    assert {"MemoryHigh", "MemoryMax", "TimeoutStopSec"} <= found.keys()


def test_the_service_can_see_who_is_at_its_socket() -> None:
    """In a user namespace every other account looks like nobody (SO_PEERCRED)."""
    assert "PrivateUsers" not in settings(SYSTEM_UNIT)
    assert "@chown prlimit64" in settings(SYSTEM_UNIT)["SystemCallFilter"]


def test_the_socket_is_where_torrentctl_looks_and_the_service_leaves_it_there(
    tmp_path: Path,
) -> None:
    installed(SYSTEM_UNIT, tmp_path)
    socket_unit = tmp_path / "torrentd.socket"
    socket_unit.write_text((UNITS / "torrentd.socket").read_text())
    assert systemd("systemd-analyze", "verify", str(socket_unit), runtime_dir=tmp_path) == ""
    assert settings(socket_unit)["ListenStream"] == [SYSTEM_SOCKET]
    assert settings(SYSTEM_UNIT)["RuntimeDirectoryPreserve"] == ["yes"]


def test_the_folder_of_the_socket_is_one_that_systemd_can_make(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    account = (UNITS / "torrentd.sysusers").read_text()
    systemd("systemd-sysusers", f"--root={root}", "-", runtime_dir=tmp_path, text=account)
    folders = root / "torrentd.conf"
    folders.write_text((UNITS / "torrentd.tmpfiles").read_text())
    arguments = (f"--root={root}", "--create", str(folders))
    assert systemd("systemd-tmpfiles", *arguments, runtime_dir=tmp_path) == ""
    assert (root / "run/torrentd").stat().st_mode & 0o777 == 0o750
