"""`make bench-rates`: how exact the rate limits are, on real sockets between two torrentd.

A cell is what the leecher read of its sockets over 5 s, divided by the limit: once that holds for
some seconds, and from the moment on when it was halved. `least` and `most` are the torrents' shares
in what all of them had meanwhile, 1 being alike. Blocks leave whole, so that of a slow limit one
more or less is much: beside 5 % that one is allowed.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.transfer import LEECHER, MIB, SEEDER
from tests.interop.payload import Payload, with_torrent
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.ctl.client import Client
from torrentd.wire.formats.geometry import BLOCK_BYTES

WINDOW_S = 5.0
SETTLE_S = 4.0
RUN_S = SETTLE_S + 2 * WINDOW_S + 4.0
RATES = (20_000, 200_000, 2_000_000, 50_000_000)
EXACT = 0.05


@dataclass(frozen=True)
class Case:
    """Who is limited, and whether each torrent is or all together."""

    way: str  # up: the seeder is; down: the leecher
    torrents: int
    bytes_per_s: int
    each: bool


@dataclass(frozen=True)
class Figures:
    steady: float
    halved: float
    least: float
    most: float

    def is_exact(self, bytes_per_s: int) -> bool:
        return all(
            abs(found - 1) <= EXACT + BLOCK_BYTES / (limit * WINDOW_S)
            for found, limit in ((self.steady, bytes_per_s), (self.halved, bytes_per_s / 2))
        )


def read_bytes() -> int:
    """What the leecher's sockets have taken in and it has read of them, of all time."""
    listed = subprocess.run(
        ["ss", "-tinH", "src", LEECHER], capture_output=True, text=True, check=True
    ).stdout
    received = sum(int(found) for found in re.findall(r"bytes_received:(\d+)", listed))
    unread = sum(int(found) for found in re.findall(r"^\S+ +(\d+) ", listed, re.MULTILINE))
    return received - unread


def zeros(parent: Path, count: int, size_bytes: int) -> list[Payload]:
    """Files that take no room, each a torrent of its own by its name."""
    made = []
    parent.mkdir()
    for number in range(count):
        root = parent / f"zeros-{size_bytes}-{number}.bin"
        with root.open("wb") as file:
            file.truncate(size_bytes)
        piece_bytes = 256 * 1024 if size_bytes > 4 * MIB else 32 * 1024
        made.append(with_torrent(parent, root, piece_bytes))
    return made


def set_limit(client: Client, case: Case, payloads: list[Payload], bytes_per_s: int) -> None:
    name = "upload_bytes_per_s_max" if case.way == "up" else "download_bytes_per_s_max"
    if case.each:
        part = bytes_per_s // case.torrents
        client.call("limits", {"torrents": [p.infohash for p in payloads], name: part})
    else:
        client.call("limits", {name: bytes_per_s})


def had_bytes(client: Client) -> list[int]:
    torrents = client.call("status", {}).children("torrents")
    return [torrent.integer("downloaded_bytes") for torrent in torrents]


def measure(case: Case, scratch: Path) -> Figures:
    directory = Path(tempfile.mkdtemp(dir=scratch))
    size_bytes = int(case.bytes_per_s * RUN_S / case.torrents) + MIB
    payloads = zeros(directory / "payload", case.torrents, size_bytes)
    rates: dict[str, int | bool] = {"limit_local_network": True}
    with (
        TorrentdProcess(SEEDER, directory / "seeder", rates=rates) as seeder,
        TorrentdProcess(LEECHER, directory / "leecher", rates=rates) as leecher,
    ):
        limited = Client(str((seeder if case.way == "up" else leecher).socket))
        watched = Client(str(leecher.socket))
        paths = [str(payload.torrent_path) for payload in payloads]
        seeder.command("add", *paths, "--dir", str(directory / "payload"), "--wait", timeout_s=120)
        if case.way == "up" or not case.each:
            set_limit(limited, case, payloads, case.bytes_per_s)
        leecher.command("add", *paths, "--paused")
        if case.way == "down" and case.each:
            set_limit(limited, case, payloads, case.bytes_per_s)
        watched.call("resume", {"torrents": [payload.infohash for payload in payloads]})
        for payload in payloads:
            watched.call("add-peer", {"torrent": payload.infohash, "address": f"{SEEDER}:6881"})
        time.sleep(SETTLE_S)
        before = had_bytes(watched)
        steady = over_window(case.bytes_per_s)
        after = had_bytes(watched)
        set_limit(limited, case, payloads, case.bytes_per_s // 2)
        halved = over_window(case.bytes_per_s // 2)
        limited.close()
        watched.close()
    shutil.rmtree(directory)
    shares = [b - a for a, b in zip(before, after, strict=True)]
    mean = sum(shares) / len(shares) or 1.0  # of a slow limit not one block of any
    return Figures(steady, halved, min(shares) / mean, max(shares) / mean)


def over_window(bytes_per_s: int) -> float:
    began, before = time.monotonic(), read_bytes()
    time.sleep(WINDOW_S)
    moved = read_bytes() - before
    return moved / (time.monotonic() - began) / bytes_per_s


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-rates", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="*", default=RATES)
    parser.add_argument("--ways", nargs="*", default=["up", "down"])
    parser.add_argument("--torrents", type=int, nargs="*", default=[1, 20])
    options = parser.parse_args()
    print("way  torrents  limit kB/s  of           steady  halved  least   most")
    exact = True
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-bench-") as name:
        for way in options.ways:
            for torrents in options.torrents:
                for rate in options.rates:
                    for each in (False, True):
                        case = Case(way, torrents, rate, each)
                        found = measure(case, Path(name))
                        exact &= found.is_exact(rate)
                        print(
                            f"{way:4} {torrents:8} {rate / 1000:11.0f}"
                            f"  {'each' if each else 'all together':12}"
                            f" {found.steady:6.3f} {found.halved:7.3f}"
                            f" {found.least:6.2f} {found.most:6.2f}",
                            flush=True,
                        )
    if not exact:
        print("FAILED: not each is exact to 5 %")
        sys.exit(1)


if __name__ == "__main__":
    main()
