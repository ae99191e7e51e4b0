"""What torrentctl says in words: one fact a line, names cut to what a line holds."""

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, percent, rate, size

NAME_SHOWN = 40


def short_name(torrent: Document, limit: int = NAME_SHOWN) -> str:
    name = torrent.text("name") or torrent.text("infohash")
    return name if len(name) <= limit else name[: limit - 1] + "…"


def stage_sentence(daemon: Document, torrent: Document) -> str:
    """What a torrent without metadata is waiting for, with the numbers that show it is alive."""
    nodes = daemon.child("dht").integer("nodes_good")
    known, connected = torrent.integer("peers_known"), torrent.integer("peers_connected")
    match torrent.text("stage"):
        case "dht":
            return f"looking for DHT nodes: {nodes} good so far"
        case "peers":
            return f"looking for peers: {many(nodes, 'DHT node')}, {known} known"
        case "handshakes":
            return f"shaking hands: {many(known, 'peer')} known, {connected} connected"
        case _:
            return f"fetching the metadata from {many(connected, 'peer')}"


def progress_sentence(daemon: Document, torrent: Document) -> str:
    """One line of a download that nobody watches on a terminal."""
    state = torrent.text("state")
    if state == "metadata":
        return stage_sentence(daemon, torrent)
    share = percent(torrent.number("progress"))
    if state != "downloading":
        return f"{state}, {share}"
    parts = [f"{share} of {size(torrent.integer('size_bytes'))}"]
    parts.append(rate(torrent.integer("download_rate_bytes_per_s")))
    parts.append(many(torrent.integer("peers_connected"), "peer"))
    eta_s = torrent.integer_or_none("eta_s")
    if eta_s is not None:
        parts.append(f"{duration(eta_s)} left")
    return ", ".join(parts)


def daemon_sentence(daemon: Document, torrent_count: int) -> str:
    """The last line of `status`: at most 80 columns."""
    parts = [
        many(torrent_count, "torrent"),
        f"down {rate(daemon.integer('download_rate_bytes_per_s'))}",
        f"up {rate(daemon.integer('upload_rate_bytes_per_s'))}",
        many(daemon.integer("peers_connected"), "peer"),
        dht_phrase(daemon.child("dht")),
    ]
    return ", ".join(parts)


def dht_phrase(dht: Document) -> str:
    return many(dht.integer("nodes_good"), "DHT node") if dht.flag("enabled") else "DHT off"


def many(count: int, noun: str, nouns: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"
