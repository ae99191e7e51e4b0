"""libtorrent that is given one magnet after the other.

    python -m tests.bench.mainline.libtorrent_magnets HOST DIRECTORY BOOTSTRAP,…

Its settings are its own, but for what is none of the network's business: no uTP and no encryption,
which would only slow it here. It prints `ready`; each line on standard input is an infohash to add,
answered by one JSON line with the times (CLOCK_MONOTONIC) of the add and of the metadata. After a
`-` in front of it, the infohash is removed.
"""

import json
import sys
import time

import libtorrent as lt

PORT = 6881
METADATA_S_MAX = 60.0


def session_for(host: str, bootstrap: str) -> lt.session:
    return lt.session(
        {
            "listen_interfaces": f"{host}:{PORT}",
            "dht_bootstrap_nodes": bootstrap,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_outgoing_utp": False,
            "enable_incoming_utp": False,
            "in_enc_policy": int(lt.enc_policy.pe_disabled),
            "out_enc_policy": int(lt.enc_policy.pe_disabled),
            "alert_mask": lt.alert.category_t.status_notification,
        }
    )


def metadata_at(session: lt.session, added_at: float) -> float | None:
    """When the metadata of the one torrent without it came."""
    while (left_s := added_at + METADATA_S_MAX - time.monotonic()) > 0:
        session.wait_for_alert(int(left_s * 1000))
        now = time.monotonic()
        if any(isinstance(alert, lt.metadata_received_alert) for alert in session.pop_alerts()):
            return now
    return None


def dht_nodes(session: lt.session) -> int:
    session.post_session_stats()
    session.wait_for_alert(100)
    told = [alert for alert in session.pop_alerts() if isinstance(alert, lt.session_stats_alert)]
    return int(told[-1].values["dht.dht_nodes"]) if told else 0


def main() -> None:
    host, directory, bootstrap = sys.argv[1:]
    started_at = time.monotonic()
    session = session_for(host, bootstrap)
    while not dht_nodes(session):  # a magnet that comes sooner waits for minutes
        time.sleep(0.001)
    print("ready", flush=True)
    handles: dict[str, lt.torrent_handle] = {}
    for line in sys.stdin:
        infohash = line.strip()
        if infohash.startswith("-"):
            session.remove_torrent(handles.pop(infohash[1:]))
            continue
        added_at = time.monotonic()
        params = lt.parse_magnet_uri(f"magnet:?xt=urn:btih:{infohash}")
        params.save_path = directory
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        handles[infohash] = session.add_torrent(params)
        found_at = metadata_at(session, added_at)
        told = {"started_at": started_at, "added_at": added_at, "metadata_at": found_at}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
