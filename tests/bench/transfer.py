"""`make bench`: one seeder, one leecher, torrentd and libtorrent side by side in one run.

The machine is shared and drifts, so each round runs every pair once, one after the other, and only
the ratios of the medians count. What a download is written to is memory that was in use until its
add: memory long free may belong to a virtual machine's host, and to get it back costs as much as
all the rest. libtorrent's seeder hashes what it sends for the first time (its seed
mode). Payload on tmpfs, TCP, no encryption; both add the same magnet with the seeder's address in
it (x.pe), so that metadata and start are part of the time.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import byte_path
from tests.bench.libtorrent_peer import POLL_S
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client

MIB = 2**20
BALLAST = "ballast"
SEEDER, LEECHER = "127.210.1.1", "127.210.2.1"
PAIRS = [
    ("libtorrent", "libtorrent"),
    ("libtorrent", "torrentd"),
    ("torrentd", "libtorrent"),
    ("torrentd", "torrentd"),
]


@dataclass(frozen=True)
class Figures:
    """One transfer: add to done, and what it cost."""

    mib_per_s: float
    first_byte_s: float
    seeder_cpu_s_per_gib: float
    leecher_cpu_s_per_gib: float


def process_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def libtorrent_seeder(payload: Payload, slots: int = 0) -> Iterator[int]:
    arguments = ["seed", SEEDER, str(payload.torrent_path), str(payload.parent), str(slots)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.libtorrent_peer", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@contextmanager
def torrentd_seeder(payload: Payload, directory: Path, slots: int = 0) -> Iterator[int]:
    limits = {"unchoke_slots": slots, "connections_per_address_max": 200}
    with TorrentdProcess(SEEDER, directory / "seeder", limits=limits) as torrentd:
        torrentd.command("add", str(payload.torrent_path), "--dir", str(payload.parent))
        torrentd.command("wait", payload.infohash, "--timeout", "120", timeout_s=130)
        yield torrentd.pid


def libtorrent_leech(magnet: str, directory: Path) -> tuple[float, float, float]:
    drop_ballast(directory)
    arguments = ["leech", LEECHER, magnet, str(directory / "downloads")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.libtorrent_peer", *arguments],
        stdout=subprocess.PIPE,
        check=True,
    )
    figures = json.loads(done.stdout)
    return figures["seconds"], figures["first_byte_s"], figures["cpu_s"]


def downloaded_bytes(client: Client, infohash: str) -> int:
    (torrent,) = client.call("status", {"torrents": [infohash]}).children("torrents")
    return torrent.integer("downloaded_bytes")


def torrentd_leech(
    magnet: str, payload: Payload, directory: Path, peers: Sequence[str] = ()
) -> tuple[float, float, float]:
    """`peers`: those beyond the sixteen that a magnet may name."""
    with TorrentdProcess(LEECHER, directory / "leecher") as torrentd:
        client = Client(str(torrentd.socket))
        drop_ballast(directory)
        cpu_before_s, started_at = process_cpu_s(torrentd.pid), time.monotonic()
        client.call("add", {"uri": magnet})
        for address in peers:
            client.call("add-peer", {"torrent": payload.infohash, "address": address})
        which: list[Json] = [payload.infohash]
        while not downloaded_bytes(client, payload.infohash):
            time.sleep(POLL_S)
        first_byte_s = time.monotonic() - started_at
        reached = client.call("wait", {"torrents": which, "timeout_s": 120}, answer_s=130)
        assert reached.flag("reached")
        elapsed_s = time.monotonic() - started_at
        client.close()
        cpu_s = process_cpu_s(torrentd.pid) - cpu_before_s
        assert payload.is_complete_in(torrentd.downloads)
        return elapsed_s, first_byte_s, cpu_s


def lay_ballast(scratch: Path, size_bytes: int) -> None:
    """Takes the memory that the download will be given."""
    with (scratch / BALLAST).open("wb") as file:
        for _ in range(0, size_bytes, MIB):
            file.write(bytes(MIB))


def drop_ballast(directory: Path) -> None:
    (directory.parent / BALLAST).unlink(missing_ok=True)


def measure(seeder: str, leecher: str, payload: Payload, scratch: Path) -> Figures:
    directory = Path(tempfile.mkdtemp(dir=scratch))
    magnet = f"{payload.magnet}&x.pe={SEEDER}:6881"
    lay_ballast(scratch, payload.root.stat().st_size)
    seeding = (
        libtorrent_seeder(payload)
        if seeder == "libtorrent"
        else torrentd_seeder(payload, directory)
    )
    with seeding as pid:
        cpu_before_s = process_cpu_s(pid)
        if leecher == "libtorrent":
            seconds, first_byte_s, cpu_s = libtorrent_leech(magnet, directory)
        else:
            seconds, first_byte_s, cpu_s = torrentd_leech(magnet, payload, directory)
        seeder_cpu_s = process_cpu_s(pid) - cpu_before_s
    shutil.rmtree(directory)
    size_bytes = payload.root.stat().st_size
    gib = size_bytes / 2**30
    return Figures(size_bytes / MIB / seconds, first_byte_s, seeder_cpu_s / gib, cpu_s / gib)


def median(rounds: list[Figures], name: str) -> float:
    values: list[float] = [getattr(figures, name) for figures in rounds]
    return statistics.median(values)


def report(results: dict[tuple[str, str], list[Figures]], piece_bytes: int) -> None:
    print(f"\npieces of {piece_bytes // 1024} KiB; medians of {len(next(iter(results.values())))}")
    print("seeder      leecher     MiB/s  x libtorrent  first byte s  CPU s/GiB seeder leecher")
    base = median(results["libtorrent", "libtorrent"], "mib_per_s")
    for (seeder, leecher), rounds in results.items():
        speed = median(rounds, "mib_per_s")
        print(
            f"{seeder:11} {leecher:11} {speed:5.0f}  {speed / base:12.2f}"
            f"  {median(rounds, 'first_byte_s'):12.3f}"
            f"  {median(rounds, 'seeder_cpu_s_per_gib'):16.2f}"
            f" {median(rounds, 'leecher_cpu_s_per_gib'):7.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--piece-kib", type=int, nargs="*", default=[256, 1024, 4096])
    options = parser.parse_args()
    worst = math.inf
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="torrentd-bench-") as name:
        scratch = Path(name)
        for piece_kib in options.piece_kib:
            payload = single_file(scratch / "payload", options.size_mib * MIB, piece_kib * 1024)
            results: dict[tuple[str, str], list[Figures]] = {pair: [] for pair in PAIRS}
            for _ in range(options.rounds):
                for pair, rounds in results.items():
                    rounds.append(measure(*pair, payload, scratch))
            report(results, piece_kib * 1024)
            ratio = median(results["libtorrent", "torrentd"], "mib_per_s") / median(
                results["libtorrent", "libtorrent"], "mib_per_s"
            )
            worst = min(worst, ratio)
    print("\nof that, the Python of a block (16 KiB); a GiB has 65,536")
    byte_path.report()
    if worst < 1.0:
        print(f"FAILED: leeching is {worst:.2f} x libtorrent's from the same seeder")
        sys.exit(1)


if __name__ == "__main__":
    main()
