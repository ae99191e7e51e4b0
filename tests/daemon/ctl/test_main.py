"""torrentctl as a process: exit codes, no traceback ever, and a quick start."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.main import main

COMMAND = [sys.executable, "-m", "torrentd.daemon.ctl.main"]
# What would double the time of `torrentctl version`.
HEAVY = (
    "asyncio",
    "dataclasses",
    "difflib",
    "importlib.metadata",
    "inspect",
    "logging",
    "rich",
    "torrentd.wire",
)


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession(*(make_torrent(number) for number in range(2000)))) as running:
        yield running


def test_the_documented_codes(
    served: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(served.path)
    assert main(["--socket", path, "version"]) == 0
    assert main(["--socket", path, "info", "nobody"]) == 1
    assert main(["--socket", path, "stauts"]) == 2
    assert main(["--socket", str(tmp_path / "none"), "status"]) == 3
    assert main(["--socket", path, "wait", "00000001", "--timeout", "0.01"]) == 4
    errors = [line for line in capsys.readouterr().err.splitlines() if "torrentctl:" in line]
    assert len(errors) == 4


def test_a_reader_that_has_enough_is_no_error(served: Served) -> None:
    """`torrentctl status | head -1`"""
    process = subprocess.Popen(
        [*COMMAND, "--socket", str(served.path), "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith(b"ID")
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(10) == 0
    process.stderr.close()


def test_a_full_disk_is_one_sentence(served: Served) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "--socket", str(served.path), "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=10,
        )
    assert done.returncode == 1
    assert done.stderr == b"torrentctl: cannot write the answer: No space left on device\n"


def test_ctrl_c_is_one_word(served: Served) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--socket", str(served.path), "--json", "wait", "00000001"],
        stderr=subprocess.PIPE,
    )
    assert served.session.waits_begun.acquire(timeout=10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, b"torrentctl: interrupted\n")


def test_a_terminal_without_utf_8_gets_codes(served: Served) -> None:
    served.session.entries.clear()
    torrent = make_torrent(7, "日本")
    served.session.entries.update(FakeSession(torrent).entries)
    done = subprocess.run(
        [*COMMAND, "--socket", str(served.path), "status"],
        capture_output=True,
        check=False,
        timeout=10,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0 and b"\\u65e5\\u672c" in done.stdout


def test_nothing_heavy_is_imported_before_it_is_needed(served: Served) -> None:
    program = (
        "import sys\n"
        "from torrentd.daemon.ctl.main import main\n"
        f"main(['--socket', {str(served.path)!r}, 'status'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=10
    )
    assert done.stderr == b"[]\n"
