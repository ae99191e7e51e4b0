"""libtorrent with a shelf of torrents, in a process of its own, for `make bench-idle`.

    python -m tests.bench.libtorrent_shelf HOST BOOTSTRAP_HOST BOOTSTRAP_PORT DATA TORRENTS RESUME

Adds what RESUME holds, or all of TORRENTS when that is empty; then for each line it reads, prints
one: `list`, the milliseconds that a list of all torrents takes; `stop`, the seconds until all is
saved, and ends.
"""

import json
import sys
import time
from pathlib import Path

import libtorrent as lt

from tests.bench.libtorrent_peer import POLL_S
from tests.interop.libtorrent_client import LibtorrentClient

SAVED = lt.save_resume_data_alert | lt.save_resume_data_failed_alert
SETTINGS: "lt.settings_pack" = {
    "enable_dht": True,
    "dht_announce_interval": 900,
    "active_limit": -1,
    "active_seeds": -1,
    "active_dht_limit": -1,
    "alert_queue_size": 100_000,
}


def wanted(data: Path, torrents: Path, resume: Path) -> list[lt.add_torrent_params]:
    found = []
    for path in sorted(resume.iterdir()):
        found.append(lt.read_resume_data(path.read_bytes()))
    for path in sorted(torrents.iterdir()) if not found else ():
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(path))
        params.save_path = str(data)
        found.append(params)
    for params in found:
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    return found


def statuses(session: lt.session) -> list[lt.torrent_status]:
    return list(session.get_torrent_status(lambda _: True))


def save(session: lt.session, resume: Path) -> None:
    handles = session.get_torrents()
    for handle in handles:
        handle.save_resume_data(lt.save_resume_flags_t.save_info_dict)
    left = len(handles)
    while left:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.save_resume_data_alert):
                data = lt.write_resume_data_buf(alert.params)
                (resume / str(alert.params.info_hashes.v1)).write_bytes(data)
            left -= isinstance(alert, SAVED)


def main() -> None:
    host, bootstrap_host, bootstrap_port, *folders = sys.argv[1:]
    data, torrents, resume = map(Path, folders)
    began = time.monotonic()
    with LibtorrentClient(host, SETTINGS) as client:
        client.add_node(bootstrap_host, int(bootstrap_port))
        session = client.session
        params = wanted(data, torrents, resume)
        for each in params:
            session.async_add_torrent(each)
        while sum(status.is_seeding for status in statuses(session)) < len(params):
            time.sleep(POLL_S * 10)
        print(json.dumps({"seeding_s": time.monotonic() - began}), flush=True)
        del params
        for line in sys.stdin:
            began = time.monotonic()
            if line.strip() == "list":
                statuses(session)
                print(json.dumps({"list_ms": (time.monotonic() - began) * 1000}), flush=True)
            else:
                save(session, resume)
                print(json.dumps({"stop_s": time.monotonic() - began}), flush=True)
                break


if __name__ == "__main__":
    main()
