"""`make bench-crowd`: what a peer costs among many, torrentd beside libtorrent.

Eight seeders for one leecher, one seeder for eight leechers, as fast as it goes; and fifty of each,
of 300 kB/s. The crowd is always libtorrent, and only the one that it gathers around is measured.
The last column is its CPU for a GiB beside that with a single peer of the same speed; for the fifty
also beside that with a single one as fast as it goes. Payload on tmpfs.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.transfer import (
    MIB,
    SEEDER,
    lay_ballast,
    libtorrent_leech,
    libtorrent_seeder,
    process_cpu_s,
    torrentd_leech,
    torrentd_seeder,
)
from tests.interop.payload import Payload, single_file
from torrentd.wire.formats.magnet import PEERS_MAX

MANY = 8
SLOW, SLOW_BYTES_PER_S = 50, 300_000


@dataclass(frozen=True)
class Figures:
    """Of the one in the middle."""

    mib_per_s: float
    cpu_s_per_gib: float


def crowd_hosts(count: int) -> list[str]:
    return [f"127.211.{number}.1" for number in range(1, count + 1)]


@contextmanager
def crowd(role: str, count: int, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.libtorrent_crowd", role, ",".join(crowd_hosts(count)),
         *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def leech_from(count: int, rate: int, who: str, payload: Payload, directory: Path) -> Figures:
    """`who` downloads from so many seeders of this rate; 0: as fast as it goes."""
    peers = [f"{host}:6881" for host in crowd_hosts(count)]
    magnet = payload.magnet + "".join(f"&x.pe={peer}" for peer in peers)
    lay_ballast(directory.parent, payload.root.stat().st_size)
    with crowd("seed", count, str(payload.torrent_path), str(payload.parent), str(rate)):
        if who == "libtorrent":
            seconds, _, cpu_s = libtorrent_leech(magnet, directory)
        else:
            more = peers[PEERS_MAX:]
            seconds, _, cpu_s = torrentd_leech(magnet, payload, directory, more)
    size_bytes = payload.root.stat().st_size
    return Figures(size_bytes / MIB / seconds, cpu_s / (size_bytes / 2**30))


def seed_to(count: int, rate: int, who: str, payload: Payload, directory: Path) -> Figures:
    """`who` seeds to so many leechers of this rate, all at once."""
    magnet = f"{payload.magnet}&x.pe={SEEDER}:6881"
    leechers = crowd("leech", count, magnet, str(directory), str(rate))
    seeder = (
        libtorrent_seeder(payload, slots=count)
        if who == "libtorrent"
        else torrentd_seeder(payload, directory, slots=count)
    )
    with seeder as pid, leechers as process:
        assert process.stdin is not None and process.stdout is not None
        cpu_before_s, began = process_cpu_s(pid), time.monotonic()
        process.stdin.write("begin\n")
        process.stdin.flush()
        process.stdout.readline()
        seconds, cpu_s = time.monotonic() - began, process_cpu_s(pid) - cpu_before_s
    size_bytes = count * payload.root.stat().st_size
    return Figures(size_bytes / MIB / seconds, cpu_s / (size_bytes / 2**30))


def report(what: str, one: dict[str, Figures], many: dict[str, Figures]) -> None:
    theirs = many.get("libtorrent", many["torrentd"])
    for who, figures in many.items():
        print(
            f"{what:34} {who:11} {figures.mib_per_s:5.0f} {figures.cpu_s_per_gib:9.2f}"
            f" {figures.mib_per_s / theirs.mib_per_s:16.2f}"
            f" {figures.cpu_s_per_gib / theirs.cpu_s_per_gib:14.2f}"
            f" {figures.cpu_s_per_gib / one[who].cpu_s_per_gib:11.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-crowd", description=__doc__)
    parser.add_argument("--size-mib", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-bench-") as name:
        scratch = Path(name)
        size_bytes = options.size_mib * MIB
        large, eighth, fiftieth = (
            single_file(scratch / str(part), size_bytes // part // MIB * MIB, MIB)
            for part in (1, MANY, SLOW)
        )

        def each(run: Callable[[int, int, str, Payload, Path], Figures], count: int, rate: int,
                 payload: Payload) -> dict[str, Figures]:  # fmt: skip
            figures = {}
            for who in ("libtorrent", "torrentd"):
                directory = Path(tempfile.mkdtemp(dir=scratch))
                figures[who] = run(count, rate, who, payload, directory)
                shutil.rmtree(directory)
            return figures

        print(f"{'':46} MiB/s CPU s/GiB  x libtorrent's speed  and CPU  x one peer")
        for what, run, part in (
            ("leeching from", leech_from, large),
            ("seeding to", seed_to, None),
        ):
            one = each(run, 1, 0, large)
            report(f"{what} {MANY}", one, each(run, MANY, 0, part or eighth))
            slow = each(run, SLOW, SLOW_BYTES_PER_S, part or fiftieth)
            report(f"{what} {SLOW} slow, and one fast", one, slow)
            report(
                f"{what} {SLOW} slow, and one slow", each(run, 1, SLOW_BYTES_PER_S, fiftieth), slow
            )


if __name__ == "__main__":
    main()
