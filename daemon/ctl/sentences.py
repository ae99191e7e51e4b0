"""What torrentctl says in words: one fact a line, names cut to what a line holds."""

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, percent, rate, seconds, size

NAME_SHOWN = 40


def short_name(torrent: Document, limit: int = NAME_SHOWN) -> str:
    name = torrent.text("name") or torrent.text("infohash")
    return name if len(name) <= limit else name[: limit - 1] + "…"


STAGES = {  # by the stage's name, as it is called once it is passed
    "dht": "DHT",
    "peers": "peers",
    "handshakes": "handshake",
    "metadata": "metadata",
}


def stage_sentence(daemon: Document, torrent: Document) -> str:
    """What a torrent without metadata waits for, how long each stage took, and the numbers that
    show it is alive: at most 71 columns."""
    nodes = dht_phrase(daemon.child("dht"))
    known, connected = torrent.integer("peers_known"), torrent.integer("peers_connected")
    stage = torrent.text("stage")
    took_s = torrent.child("stages_s").number_or_none(stage)
    took = "" if took_s is None else f" {seconds(took_s)}"
    match stage:
        case "dht":
            present = f"looking for DHT nodes{took}: {nodes} so far"
        case "peers":
            present = f"looking for peers{took}: {nodes}, {known} known"
        case "handshakes":
            present = f"handshake{took}: {known} known, {connected} connected"
        case _:
            present = f"metadata{took} from {many(connected, 'peer')}"
    return " → ".join([*_passed(torrent), present])


def stages_sentence(torrent: Document) -> str:
    """How long each stage of a magnet took, the present one with dots; "" for what was none."""
    stage, stages_s = torrent.text("stage"), torrent.child("stages_s")
    parts = _passed(torrent)
    if stage:
        return " → ".join(
            [*parts, f"{STAGES.get(stage, stage)} {seconds(stages_s.number(stage))} …"]
        )
    all_s = sum(stages_s.number(name) for name in STAGES)
    return f"{' → '.join(parts)}, {seconds(all_s)} in all" if parts else ""


def _passed(torrent: Document) -> list[str]:
    stage, stages_s = torrent.text("stage"), torrent.child("stages_s")
    return [
        f"{label} {seconds(took_s)}"
        for name, label in STAGES.items()
        if name != stage and (took_s := stages_s.number_or_none(name)) is not None
    ]


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
    return ", ".join(daemon_parts(daemon, torrent_count))


def daemon_parts(daemon: Document, torrent_count: int) -> list[str]:
    """The most important first."""
    return [
        many(torrent_count, "torrent"),
        f"down {rate(daemon.integer('download_rate_bytes_per_s'))}",
        f"up {rate(daemon.integer('upload_rate_bytes_per_s'))}",
        many(daemon.integer("peers_connected"), "peer"),
        dht_phrase(daemon.child("dht")),
    ]


def blocks_sentence(blocks: Document) -> str:
    """Whom we have nothing to do with."""
    parts = []
    if blocks.text("path"):
        parts.append(f"{many(blocks.integer('ranges'), 'range')} blocked")
    if blocks.integer("banned"):
        parts.append(many(blocks.integer("banned"), "ban"))
    parts.append(f"{many(blocks.integer('refused'), 'contact')} refused")
    bad = blocks.integer("bad_lines")
    if bad:
        parts.append(f"{many(bad, 'bad line')} (line {blocks.integer('first_bad_line')})")
    return ", ".join(parts)


def dht_phrase(dht: Document) -> str:
    return many(dht.integer("nodes_good"), "DHT node") if dht.flag("enabled") else "DHT off"


def many(count: int, noun: str, nouns: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {nouns or noun + 's'}"
