"""What the screen says in lines beside its tables. No terminal is known here."""

from torrentd.daemon.ctl.columns import cut
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import rate
from torrentd.daemon.ctl.screen.sparks import sparkline
from torrentd.daemon.ctl.sentences import daemon_parts, many, short_name, stage_sentence

SPARK_MIN, SPARK_MAX = 8, 30


def headline(daemon: Document, torrent_count: int, moved: list[int], width: int) -> str:
    """The daemon in a line: what comes last goes first where there is no room; what is left is for
    the rates of the last seconds."""
    parts = daemon_parts(daemon, torrent_count)
    while len(parts) > 1 and len(", ".join(parts)) > width:
        parts.pop()
    text = cut(", ".join(parts), width)
    room = min(width - len(text) - 2, SPARK_MAX)
    if room < SPARK_MIN:
        return text
    spark = sparkline(moved, room)
    return f"{text}{spark.rjust(width - len(text))}" if spark else text


def dht_headline(status: Document) -> str:
    if status.is_false("enabled"):
        return "the DHT is off: dht.enabled is false"
    parts = [
        many(status.integer("nodes_good"), "good node"),
        f"{status.integer('nodes_questionable')} unsure",
        many(status.integer("searches_running"), "search", "searches"),
        many(status.integer("peers_stored"), "peer stored", "peers stored"),
    ]
    return f"the DHT: {', '.join(parts)}"


def torrent_note(daemon: Document, torrent: Document) -> str:
    """What its row does not say: the error, the stage of a magnet, who paused it, its labels."""
    if torrent.text("error"):
        return f"error: {torrent.text('error')}"
    if torrent.text("state") == "metadata":
        return stage_sentence(daemon, torrent)
    reason, labels = torrent.text("pause_reason"), torrent.texts("labels")
    parts = [f"paused by {reason}"] if reason else []
    if labels:
        parts.append(f"labels: {', '.join(labels)}")
    return "; ".join(parts)


def event_note(event: Document) -> str:
    """What happened, "" for what nobody needs to be told who sees it on the screen."""
    kind, name = event.text("event"), short_name(event)
    match kind:
        case "done":
            return f"done: {name}"
        case "error":
            return f"{name}: {event.text('cause')}"
        case "network-lost":
            return "the network is lost"
        case "network-found":
            return "the network is back"
        case _:
            return ""


def limits_note(document: Document) -> str:
    """How fast all together may go now."""
    every = document.child("all")
    prefix = "alternative_" if every.flag("alternative_holds") else ""
    down, up = (every.integer(f"{prefix}{way}_bytes_per_s_max") for way in ("download", "upload"))
    return f"down {rate(down) if down else 'unlimited'}, up {rate(up) if up else 'unlimited'}"
