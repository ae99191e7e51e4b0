"""libtorrent in a process of its own, for the benchmarks.

    python -m tests.bench.libtorrent_peer seed HOST TORRENT_FILE DIRECTORY [SLOTS]
    python -m tests.bench.libtorrent_peer leech HOST MAGNET DIRECTORY

A seeder prints `ready` and stays until its standard input ends. A leecher prints one JSON line.
"""

import json
import resource
import sys
import time
from pathlib import Path

import libtorrent as lt

from tests.interop.libtorrent_client import LibtorrentClient
from tests.interop.payload import Payload

POLL_S = 0.005


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def seed(host: str, torrent_path: Path, directory: Path, slots: int) -> None:
    """0 slots: as many as it has by itself."""
    infohash = str(lt.torrent_info(str(torrent_path)).info_hashes().v1)
    settings: lt.settings_pack = {"unchoke_slots_limit": slots} if slots else {}
    with LibtorrentClient(host, settings) as client:
        client.seed(Payload(directory, directory, torrent_path, infohash))
        print("ready", flush=True)
        sys.stdin.read()


def leech(host: str, magnet: str, directory: Path) -> dict[str, float]:
    """Seconds from the add to the first payload byte and to the last piece, and the CPU spent."""
    settings: lt.settings_pack = {"alert_mask": lt.alert.category_t.status_notification}
    with LibtorrentClient(host, settings) as client:
        cpu_before_s, started_at = cpu_s(), time.monotonic()
        handle = client.download(magnet, directory)
        while not handle.status().total_payload_download:
            time.sleep(POLL_S)
        first_byte_s = time.monotonic() - started_at
        finished = False
        while not finished:  # polling would cost what is measured
            client.session.wait_for_alert(1000)
            alerts = client.session.pop_alerts()
            finished = any(isinstance(alert, lt.torrent_finished_alert) for alert in alerts)
        seconds = time.monotonic() - started_at
        return {"seconds": seconds, "first_byte_s": first_byte_s, "cpu_s": cpu_s() - cpu_before_s}


def main() -> None:
    role, host, what, directory, *slots = sys.argv[1:]
    if role == "seed":
        seed(host, Path(what), Path(directory), int(slots[0]) if slots else 0)
    else:
        print(json.dumps(leech(host, what, Path(directory))), flush=True)


if __name__ == "__main__":
    main()
