"""What `make run` does, with real processes on loopback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from torrentd.daemon import demo
from torrentd.daemon.demo_node import DemoFailed

COMMAND = [sys.executable, "-m", "torrentd.daemon.demo"]
LIMIT_S = 60


def environment(folder: Path) -> dict[str, str]:
    """Whatever is made is made in `folder`, so that what is left behind is seen."""
    return {**os.environ, "TMPDIR": str(folder), "NO_COLOR": "1"}


def still_running(folder: Path) -> list[str]:
    """The command lines that name `folder`: every daemon's does."""
    lines = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"--config {folder}" in line:
            lines.append(line)
    return lines


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("d")  # short, since a socket's path holds 107 bytes


def test_a_magnet_arrives_from_peers_that_only_the_dht_knew(folder: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--size-mib", "8"],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared byte for byte: it is what was seeded" in done.stdout
    assert "$ torrentctl add 'magnet:?xt=urn:btih:" in done.stdout
    assert "x.pe" not in done.stdout
    assert still_running(folder) == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_can_be_stopped_and_leaves_nothing(
    folder: Path, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        COMMAND, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"starting")
    process.send_signal(number)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == code and b"Traceback" not in errors
    assert still_running(folder) == [] and list(folder.iterdir()) == []


def test_a_wrong_magnet_ends_with_the_daemons_word_and_code(folder: Path) -> None:
    options = ["--dir", str(folder / "here"), "--bootstrap", "127.0.8.1:9"]
    done = subprocess.run(
        [*COMMAND, "magnet:?dn=nothing", *options],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 1 and "infohash" in done.stderr
    assert still_running(folder / "here") == []
    assert (folder / "here" / demo.STATE_DIR_NAME).is_dir(), "kept for the next run"


def test_a_failure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(size_bytes: int) -> int:
        raise DemoFailed("the seeder was not announced to the DHT")

    monkeypatch.setattr(demo, "show_private_network", fail)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    assert demo.main([]) == 1
    assert capsys.readouterr().err == "failed: the seeder was not announced to the DHT\n"
