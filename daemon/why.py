"""Why a torrent does not move, or moves no faster: the one thing that holds it up, in a sentence
with its numbers, and what would help.

The questions are asked in the order in which a torrent needs the answers: is it meant to run, is
the disk with us, is anybody there to be asked, does he give.
"""

import time
from dataclasses import dataclass
from typing import Final, Literal

from torrentd.daemon.ctl.quantities import duration, percent, rate
from torrentd.daemon.ctl.sentences import many
from torrentd.daemon.status import DhtStatus, TorrentStatus
from torrentd.dht.stats import SearchStats
from torrentd.wire.swarm.outlook import Outlook

REACHABLE: Final = "peers reach us where listen.port is let through the router, for TCP and UDP"
ADD_PEER: Final = "`torrentctl add-peer` names a peer that you know of"

# Whose a limit is, and what lifts it.
_LIMITS: Final = {
    "own": ("its own limit", "{} --down 0"),
    "all": ("the limit of all torrents", "--down 0"),
    "schedule": ("the schedule, for all torrents", "--alternative off"),
    "alternative": ("the alternative limit of all torrents", "--alternative off"),
}


@dataclass(slots=True)
class Limit:
    """Of a download: its own, or one of all together, by the clock or not."""

    whose: Literal["own", "all", "schedule", "alternative"]
    bytes_per_s_max: int


@dataclass(slots=True)
class Case:
    """What is known of one torrent and of what it stands on."""

    torrent: TorrentStatus
    outlook: Outlook
    dht: DhtStatus
    search: SearchStats | None  # of its peers, while one is under way
    disk_behind: bool = False
    checks_full: bool = False  # others are being checked, and it waits for its turn
    no_room: bool = False  # its disk has less than the reserve, or than it needs
    limit: Limit | None = None  # that is used up


@dataclass(slots=True)
class Why:
    """`cause` is one of a fixed set of words, for scripts."""

    infohash: str
    name: str
    state: str
    cause: str
    sentence: str
    help: str | None


def explain(case: Case) -> Why:
    torrent = case.torrent
    cause, sentence, hint = _state(case) or _peers(case) or _transfer(case)
    return Why(torrent.infohash, torrent.name, torrent.state, cause, sentence, hint)


_Found = tuple[str, str, str | None]


def _state(case: Case) -> _Found | None:
    """Is it meant to run, and can it?"""
    torrent, digits = case.torrent, case.torrent.infohash[:8]
    if torrent.state == "error" and case.no_room:
        hint = "room: then it goes on by itself; limits.free_bytes_min, free_percent_min stay free"
        return "no-room", torrent.error or "its disk is full", hint
    if torrent.state == "error":
        hint = f"`torrentctl resume {digits}` once that is mended; a disk is tried again by itself"
        return "error", torrent.error or "it failed", hint
    if torrent.state == "paused":
        return "paused", _pause(torrent), f"`torrentctl resume {digits}` lets it go on"
    if torrent.state == "moving":
        return "moving", f"its files are moved: {percent(torrent.progress)} so far", None
    if torrent.state == "queued":
        return (
            "queued",
            "it waits for its turn: others run first",
            f"`torrentctl queue {digits} --now`",
        )
    if torrent.state == "checking":
        if case.checks_full and not torrent.progress:
            return "check-waits", "its data is checked after that of other torrents", None
        share = percent(torrent.progress)
        return "checking", f"its data is checked against its hashes: {share} so far", None
    if torrent.state == "seeding":
        return "complete", f"nothing: it is complete, {_uploads(torrent)}", None
    if case.disk_behind:
        return "disk-behind", "the disk writes more slowly than the data comes", None
    return None


def _peers(case: Case) -> _Found | None:
    """Is anybody there to be asked?"""
    outlook = case.outlook
    if outlook.greeted:
        return None
    if outlook.connected:
        sentence = f"{many(outlook.connected, 'peer')} connected, none has shaken hands yet"
        return "handshakes", sentence, None
    if outlook.dialing:
        sentence = f"{many(outlook.known, 'peer')} known, {outlook.dialing} being dialled"
        return "dialing", sentence, None
    if outlook.known:
        sentence = f"{outlook.known} peers are known, none of them can be reached"
        if outlook.known == 1:
            sentence = "the only peer that is known cannot be reached"
        return "unreachable", sentence, REACHABLE
    return _dht(case)


def _dht(case: Case) -> _Found:
    """Nobody is known: does the DHT know?"""
    dht, search = case.dht, case.search
    if not dht.enabled:
        return "dht-off", "no peer is known, and the DHT is off", f"dht.enabled; {ADD_PEER}"
    if not dht.nodes_good:
        sentence = f"no DHT node answers: {many(dht.queries_sent, 'query', 'queries')} sent, "
        sentence += f"{dht.replies_received} answered"
        if dht.last_reply_age_s is not None:
            sentence += f", the last one {duration(dht.last_reply_age_s)} ago"
        hint = "UDP must get out and back in; `torrentctl dht add-node` names a node"
        return "no-dht-nodes", sentence, hint
    nodes = many(dht.nodes_good, "good DHT node")
    if search is not None and search.waiting:
        return "search-waits", f"its search waits for others: {dht.searches_running} at once", None
    if search is not None:
        asked = f"{many(search.queries, 'node')} asked, {search.responses} answered"
        return "searching", f"the DHT is being searched ({nodes}): {asked}, no peer yet", None
    sentence = f"the DHT answers ({nodes}), but nobody announces this torrent there"
    return "nobody-announces", sentence, f"it is asked again by itself; {ADD_PEER}"


def _transfer(case: Case) -> _Found:
    """Somebody is there: does he give?"""
    torrent, outlook = case.torrent, case.outlook
    if torrent.state == "metadata":
        took_s = torrent.stages_s.get("metadata", 0.0)
        sentence = (
            f"the metadata is asked of {many(outlook.greeted, 'peer')}, for {duration(took_s)}"
        )
        return "metadata", sentence, None
    flow = torrent.download_rate_bytes_per_s
    if outlook.sourceless and outlook.sourceless == outlook.lacking:
        return _no_source(torrent, outlook)
    if flow and case.limit is not None:
        return _limited(torrent, case.limit)
    if not flow and outlook.choking == outlook.sources:
        who = "the only peer that has what it lacks chokes us"
        if outlook.choking > 1:
            who = f"all {outlook.choking} peers that have what it lacks choke us"
        return "choked", f"{who}: others are served first", f"patience, or more peers; {ADD_PEER}"
    if not flow and outlook.snubbed + outlook.choking == outlook.sources:
        sentence = f"nothing comes from {many(outlook.snubbed, 'peer')} that let us ask"
        return "snubbed", sentence, None
    parts = [f"nothing: {rate(flow)} from {many(torrent.peers_connected, 'peer')}"]
    if outlook.choking:
        parts.append(f"choked by {outlook.choking}")
    if outlook.sourceless:
        parts.append(f"{many(outlook.sourceless, 'piece')} with none of them")
    return "running", ", ".join(parts), None


def _no_source(torrent: TorrentStatus, outlook: Outlook) -> _Found:
    who = f"none of its {outlook.greeted} peers has any"
    if outlook.greeted == 1:
        who = "its only peer has none"
    lacking = many(outlook.lacking, "piece")
    sentence = f"{who} of the {lacking} that it lacks, the first is {outlook.first_sourceless}"
    if torrent.swarm_seeds is not None:
        sentence += f"; the DHT counts about {many(torrent.swarm_seeds, 'seed')}"
    return "no-source", sentence, f"a seed must come; {ADD_PEER}"


def _pause(torrent: TorrentStatus) -> str:
    """By whom, and when."""
    rule, at = torrent.pause_reason, torrent.paused_at
    when = time.strftime(" on %Y-%m-%d at %H:%M:%S", time.localtime(at)) if at else ""
    return f"the rule {rule!r} paused it{when}" if rule else f"it was paused by hand{when}"


def _limited(torrent: TorrentStatus, limit: Limit) -> _Found:
    whose, lift = _LIMITS[limit.whose]
    came = rate(torrent.download_rate_bytes_per_s)
    sentence = f"limited to {rate(limit.bytes_per_s_max)} by {whose}; {came} come"
    return "limited", sentence, f"`torrentctl limits {lift.format(torrent.infohash[:8])}`"


def _uploads(torrent: TorrentStatus) -> str:
    if not torrent.peers_connected:
        return "and nobody is connected who wants it"
    flow = rate(torrent.upload_rate_bytes_per_s)
    return f"and {flow} go to {many(torrent.peers_connected, 'peer')}"
