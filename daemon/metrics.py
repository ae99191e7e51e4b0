"""The numbers of `status` for Prometheus: gathered when they are asked for, by nobody before.

Names begin with `torrentd_`; no label has a value per torrent, peer or node, so that a daemon of
ten thousand torrents has as many series as one of none.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Protocol, get_args

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from torrentd.daemon.stages import STAGES
from torrentd.daemon.status import DaemonStatus, DhtStatus, TorrentState, TorrentStatus
from torrentd.daemon.witness import Happening
from torrentd.wire.formats.ids import InfoHash

LAG_INTERVAL_S = 1.0
LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
STAGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
STATES: tuple[TorrentState, ...] = get_args(TorrentState)
_MOVED_COUNTERS = (
    ("downloaded", "Payload received in this run."),
    ("uploaded", "Payload sent in this run."),
    ("protocol_received", "What peers sent beside payload."),
    ("protocol_sent", "What we sent to peers beside payload."),
)
_DHT_COUNTERS = (
    ("queries_sent", "Queries that we sent to DHT nodes."),
    ("replies_received", "Their answers."),
    ("timeouts", "Queries that nobody answered."),
    ("queries_received", "Queries of other nodes."),
    ("replies_sent", "Our answers."),
    ("datagrams_received", "Datagrams that came in."),
    ("datagrams_sent", "Datagrams that left."),
    ("datagrams_dropped", "Datagrams that were not looked at: a flood."),
    ("bytes_received", "Bytes of DHT datagrams that came in."),
    ("bytes_sent", "Bytes of DHT datagrams that left."),
)


class Source(Protocol):
    """The session."""

    def status(self) -> DaemonStatus: ...
    def torrents(self) -> list[TorrentStatus]: ...
    def torrent(self, infohash: InfoHash) -> TorrentStatus: ...


class Metrics:
    """`text` at any time; `happened` (a witness) and `watch_lag` feed the histograms."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._registry = CollectorRegistry(auto_describe=False)
        self._lag = Histogram(
            "torrentd_loop_lag_seconds",
            "How late the event loop calls what is due.",
            buckets=LAG_BUCKETS_S,
            registry=self._registry,
        )
        self._stages = Histogram(
            "torrentd_magnet_stage_seconds",
            "What each stage of a magnet took, until its metadata was here.",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=self._registry,
        )
        for stage in STAGES:
            self._stages.labels(stage)
        ProcessCollector(registry=self._registry)
        self._registry.register(self)

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self._registry)

    def happened(self, happening: Happening) -> None:
        if happening.kind == "metadata":
            stages_s = self._source.torrent(happening.infohash).stages_s
            for stage, seconds in stages_s.items():
                self._stages.labels(stage).observe(seconds)

    def looked_at(self, infohash: InfoHash) -> None:
        return None

    async def watch_lag(self) -> None:
        while True:
            due = time.monotonic() + LAG_INTERVAL_S
            await asyncio.sleep(LAG_INTERVAL_S)
            self._lag.observe(max(0.0, time.monotonic() - due))

    def collect(self) -> Iterator[Metric]:
        """All but the histograms; called by the registry."""
        status, torrents = self._source.status(), self._source.torrents()
        yield _labelled("torrentd_info", "The version that runs.", "version", {status.version: 1})
        yield _gauge("torrentd_uptime_seconds", "Since the start.", status.uptime_s)
        yield from _of_torrents(torrents)
        for name, help_text in _MOVED_COUNTERS:
            value = getattr(status.moved, f"{name}_bytes")
            yield CounterMetricFamily(f"torrentd_{name}_bytes", help_text, value=value)
        down, up = status.download_rate_bytes_per_s, status.upload_rate_bytes_per_s
        rates = {"down": down, "up": up}
        help_text = "Payload a second, of late."
        yield _labelled("torrentd_rate_bytes_per_second", help_text, "direction", rates)
        yield _gauge("torrentd_peers_connected", "Connections to peers.", status.peers_connected)
        help_text = "What is wrong at the moment and heals by itself."
        yield _gauge("torrentd_warnings", help_text, len(status.warnings))
        if status.dht.enabled:
            yield from _of_dht(status.dht)


def _of_torrents(torrents: list[TorrentStatus]) -> Iterator[Metric]:
    counts: Counter[str] = Counter(torrent.state for torrent in torrents)
    by_state: dict[str, int] = {state: counts[state] for state in STATES}
    yield _labelled("torrentd_torrents", "Torrents by their state.", "state", by_state)
    wasted = sum(torrent.wasted_bytes for torrent in torrents)
    yield _gauge("torrentd_wasted_bytes", "Received and thrown away.", wasted)


def _of_dht(dht: DhtStatus) -> Iterator[Metric]:
    nodes = {
        "good": dht.nodes_good,
        "questionable": dht.nodes_questionable,
        "bad": dht.nodes_bad,
    }
    yield _labelled("torrentd_dht_nodes", "Nodes of the routing tables.", "state", nodes)
    yield _gauge("torrentd_dht_searches", "Searches that run.", dht.searches_running)
    yield _gauge("torrentd_dht_peers_stored", "Peers left here by others.", dht.peers_stored)
    yield _gauge("torrentd_dht_items_stored", "Items left here by others.", dht.items_stored)
    if dht.last_reply_age_s is not None:
        help_text = "Since a node last answered."
        yield _gauge("torrentd_dht_last_reply_age_seconds", help_text, dht.last_reply_age_s)
    for name, help_text in _DHT_COUNTERS:
        value = getattr(dht, name)
        yield CounterMetricFamily(f"torrentd_dht_{name}", help_text, value=value)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _labelled(name: str, help_text: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
