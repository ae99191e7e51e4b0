"""The picture of README: real commands of a real daemon, typed into a terminal of 80 columns.

python -m tests.bench.picture docs/session.svg
"""

import io
import os
import pty
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.interop.libtorrent_client import wait_until
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess

WIDTH = 80
MIB = 1024 * 1024
RATE_BYTES_PER_S = 6 * MIB
SEEDER, LEECHER = "127.77.1.1", "127.77.2.1"
ABSENT = "magnet:?xt=urn:btih:c9e15763f722f23e98a29decdfae341b98d53056&dn=a-magnet"


def main() -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="picture-")))
        sizes = {"debian-13.2.0-amd64-netinst.iso": 96 * MIB, "archlinux-2026.11.01.iso": 24 * MIB}
        payloads = [
            _payload(folder / "seeds", name, size, seed)
            for seed, (name, size) in enumerate(sizes.items(), 1)
        ]
        first = f"{SEEDER}:6881"
        seeder = stack.enter_context(
            TorrentdProcess(SEEDER, folder / "seeder", bootstrap=[f"{LEECHER}:6881"])
        )
        leecher = stack.enter_context(
            TorrentdProcess(LEECHER, folder / "leecher", bootstrap=[first])
        )
        for payload in payloads:
            seeder.command("add", str(payload.torrent_path), "--dir", str(payload.parent))
        leecher.command("limits", "--down", str(RATE_BYTES_PER_S))
        leecher.command("config", "set", "rates.limit_local_network", "true")
        Path(sys.argv[1]).write_text(_picture(leecher, payloads, first))
    return 0


def _payload(parent: Path, name: str, size_bytes: int, seed: int) -> Payload:
    """Named as people's are."""
    made = single_file(parent, size_bytes, seed=seed)
    path = made.root.rename(parent / name)
    torrent = parent / f"{name}.torrent"
    command = [sys.executable, "-m", "torrentd.daemon.ctl.main", "create", str(path)]
    subprocess.run([*command, "--output", str(torrent)], check=True, capture_output=True)
    return Payload(parent, path, torrent, "")


def _picture(leecher: TorrentdProcess, payloads: list[Payload], first: str) -> str:
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    big, small = payloads
    for payload in (small, big):
        _type(console, leecher, f"add {payload.torrent_path.name}", payload.parent)
        leecher.command("add-peer", payload.root.name, first)
    _type(console, leecher, f"add '{ABSENT}'", big.parent)
    leecher.command("wait", small.root.name)
    wait_until(lambda: _done(leecher, big) > 0.3, 60, "a third is here")
    for line in ("status", f"why {big.root.name}", "why a-magnet", f"pieces {big.root.name}"):
        _type(console, leecher, line, big.parent)
    return console.export_svg(title="torrentctl")


def _done(daemon: TorrentdProcess, payload: Payload) -> float:
    progress = daemon.torrent(payload.root.name)["progress"]
    assert isinstance(progress, float)
    return progress


def _type(console: Console, daemon: TorrentdProcess, line: str, folder: Path) -> None:
    console.print(Text(f"$ torrentctl {line}", style="bold"))
    command = [sys.executable, "-m", "torrentd.daemon.ctl.main", "--socket", str(daemon.socket)]
    console.print(Text.from_ansi(_on_a_terminal([*command, *shlex.split(line)], folder)))


def _on_a_terminal(command: list[str], folder: Path) -> str:
    """What it prints there, colours and all."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    environ.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, cwd=folder, env=environ):
        os.close(theirs)
        printed = bytearray()
        try:
            while data := os.read(ours, 65536):
                printed += data
        except OSError:  # how a terminal ends
            pass
    os.close(ours)
    return printed.decode().replace("\r\n", "\n").rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
