"""The examples of docs/client.md run, as they stand there."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_torrent
from tests.shared import ROOT
from torrentd.daemon.client import errors

PAGE = (ROOT / "docs" / "client.md").read_text()


def examples() -> list[str]:
    """The indented blocks, each a program."""
    blocks, block = [], [""]
    for line in [*PAGE.splitlines(), "end"]:
        if line.startswith("    ") or not line:
            block.append(line)
        else:
            blocks.append(textwrap.dedent("\n".join(block)).strip())
            block = [""]
    return [each for each in blocks if "import" in each]


@pytest.fixture
def served() -> Iterator[Served]:
    session = FakeSession(make_torrent(8))
    session.reached.set()
    session.journal.put(1, dir="/srv", size_bytes=1)
    with serve(session) as running:
        yield running


def run(example: str, served: Served, folder: Path) -> "subprocess.Popen[str]":
    (folder / "debian.torrent").write_bytes(b"d1:ae")
    return subprocess.Popen(
        [sys.executable, "-u", "-c", example],
        env={"TORRENTCTL_SOCKET": str(served.path)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_there_are_four() -> None:
    assert len(examples()) == 4


@pytest.mark.parametrize(
    ("number", "expected"), [(0, " 43.2% torrent 8\n"), (1, "0.4321\n"), (3, "1.2.3 1\n")]
)
def test_each_prints_what_it_should(
    number: int, expected: str, served: Served, tmp_path: Path
) -> None:
    process = run(examples()[number], served, tmp_path)
    out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, expected)


def test_what_happens_is_printed_until_the_daemon_ends(served: Served, tmp_path: Path) -> None:
    process = run(examples()[2], served, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "one is in /srv 00c0ffee-1\n"
    served.stop()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and out.startswith("the daemon has ended")


def test_every_error_is_told_of() -> None:
    kinds = [name for name, kind in vars(errors).items() if isinstance(kind, type)]
    assert [name for name in kinds if f"`{name}`" not in PAGE] == []


def test_the_version_of_the_documents_is_told() -> None:
    schema = json.loads((ROOT / "daemon" / "client" / "schemas" / "version.json").read_text())
    version = schema["$defs"]["Version"]["properties"]["schema"]["const"]
    assert f'`"schema": {version}`' in PAGE
