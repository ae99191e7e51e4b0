"""The names in a status are a promise to scripts."""

from dataclasses import fields

from torrentd.daemon.status import AddRequest, DaemonStatus, DhtStatus, TorrentStatus


def names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def test_the_fields_that_scripts_read_keep_their_names() -> None:
    promised = [
        "infohash", "name", "state", "progress", "size_bytes", "done_bytes", "eta_s", "error",
        "download_rate_bytes_per_s", "upload_rate_bytes_per_s", "downloaded_bytes",
        "uploaded_bytes", "peers_connected",
    ]  # fmt: skip
    assert [name for name in promised if name not in names(TorrentStatus)] == []
    assert {"version", "uptime_s", "dht"} <= set(names(DaemonStatus))
    assert "nodes_good" in names(DhtStatus)


def test_two_requests_never_share_their_peers() -> None:
    first, second = AddRequest(magnet="a"), AddRequest(magnet="b")
    first.peers.append("192.0.2.1:6881")
    assert second.peers == []
