"""libtorrent (PyPI) as a real peer and a real DHT node, on an address of its own."""

import time
from collections.abc import Callable
from pathlib import Path

import libtorrent as lt

from tests.interop.payload import Payload

PORT = 6881

SETTINGS: "lt.settings_pack" = {
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_dht": False,
    "enable_incoming_utp": False,  # until uTP is built here
    "enable_outgoing_utp": False,
    "in_enc_policy": int(lt.enc_policy.pe_disabled),
    "out_enc_policy": int(lt.enc_policy.pe_disabled),
    "allow_multiple_connections_per_ip": True,
    "dht_bootstrap_nodes": "",
    "dht_restrict_routing_ips": False,
    "dht_restrict_search_ips": False,
    "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False,
    "dht_ignore_dark_internet": False,
    "dht_announce_interval": 5,
    # Else it hears nothing for five minutes of whoever sends it five datagrams a second, and be it
    # answers to what it asks: in a DHT of five nodes it asks that much.
    "dht_block_ratelimit": 10_000,
    "max_peerlist_size": 1000,
    "alert_mask": 0,
}


class LibtorrentClient:
    """One session on `host`:6881. Use as a context manager."""

    def __init__(self, host: str, settings: "lt.settings_pack | None" = None) -> None:
        bracketed = f"[{host}]" if ":" in host else host
        self.host, self.port = host, PORT
        self.session = lt.session(
            {**SETTINGS, "listen_interfaces": f"{bracketed}:{PORT}", **(settings or {})}
        )

    def __enter__(self) -> "LibtorrentClient":
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.session.get_torrents():
            self.session.remove_torrent(handle)
        self.session.pause()

    def seed(self, payload: Payload) -> lt.torrent_handle:
        """Add a complete torrent and wait until it seeds."""
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(payload.torrent_path))
        params.save_path = str(payload.parent)
        params.flags = lt.torrent_flags.seed_mode
        handle: lt.torrent_handle = self.session.add_torrent(params)
        wait_until(lambda: handle.status().is_seeding, 30, "libtorrent seeds")
        return handle

    def download(self, uri_or_path: str | Path, directory: Path) -> lt.torrent_handle:
        """Add a magnet (str) or a torrent file (Path); peers are somebody else's business."""
        if isinstance(uri_or_path, Path):
            params = lt.add_torrent_params()
            params.ti = lt.torrent_info(str(uri_or_path))
        else:
            params = lt.parse_magnet_uri(uri_or_path)
        params.save_path = str(directory)
        params.flags = lt.torrent_flags.default_flags & ~(
            lt.torrent_flags.auto_managed | lt.torrent_flags.paused
        )
        handle: lt.torrent_handle = self.session.add_torrent(params)
        return handle

    def add_node(self, host: str, port: int) -> None:
        self.session.add_dht_node((host, port))

    def dht_nodes(self) -> int:
        """Nodes in its routing table, as of the moment: it answers with an alert."""
        self.session.post_session_stats()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.session.wait_for_alert(100)
            for alert in self.session.pop_alerts():
                if isinstance(alert, lt.session_stats_alert):
                    nodes: int = alert.values["dht.dht_nodes"]
                    return nodes
        raise AssertionError("libtorrent tells no statistics")


def dht_client(host: str) -> LibtorrentClient:
    """A client whose DHT node runs; introduce it with `add_node`."""
    return LibtorrentClient(host, {"enable_dht": True})


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition of another process or thread; fails the test, naming `what`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.02)
