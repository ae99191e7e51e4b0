"""The numbers for Prometheus, read back with its own parser."""

import asyncio
import json
import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.daemon.fake_session import FakeSession, make_torrent
from tests.daemon.session_room import run, turn, until
from tests.shared import ROOT
from torrentd.daemon import metrics
from torrentd.daemon.metrics import Metrics
from torrentd.daemon.witness import Happening
from torrentd.wire.formats.ids import InfoHash


def samples(of: Metrics) -> dict[str, float]:
    """By the name with its labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(of.text().decode()):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def hold_the_loop_up() -> None:
    ends_at = time.monotonic() + 0.1
    while time.monotonic() < ends_at:
        pass


class TestText:
    def test_what_status_shows_is_there(self) -> None:
        one, two = make_torrent(1, "one"), make_torrent(2, "two")
        one.state, two.state = "seeding", "metadata"
        found = samples(Metrics(FakeSession(one, two)))
        assert found["torrentd_torrents{state=seeding}"] == 1
        assert found["torrentd_torrents{state=metadata}"] == 1
        assert found["torrentd_torrents{state=error}"] == 0
        assert found["torrentd_info{version=1.2.3}"] == 1
        assert found["torrentd_rate_bytes_per_second{direction=down}"] == 12_897_485
        assert found["torrentd_dht_nodes{state=good}"] == 123
        assert found["torrentd_dht_queries_received_total"] == 5000
        assert found["torrentd_dht_bytes_sent_total"] == 1_200_000

    def test_what_was_moved_is_told_by_its_kind(self) -> None:
        found = samples(Metrics(FakeSession()))
        assert found["torrentd_downloaded_bytes_total"] == 5_000_000
        assert found["torrentd_uploaded_bytes_total"] == 300_000
        assert found["torrentd_protocol_received_bytes_total"] == 20_000
        assert found["torrentd_protocol_sent_bytes_total"] == 7_000

    def test_more_torrents_are_not_more_series(self) -> None:
        few = samples(Metrics(FakeSession(make_torrent(1, "one"))))
        many = samples(Metrics(FakeSession(*(make_torrent(n, f"t{n}") for n in range(1, 50)))))
        assert few.keys() == many.keys()


class TestDocuments:
    def test_the_dashboard_and_the_page_know_only_what_there_is(self) -> None:
        of = Metrics(FakeSession(make_torrent(1, "one")))
        known = {name.partition("{")[0] for name in samples(of)}
        dashboard = json.loads((ROOT / "docs" / "grafana.json").read_text())
        used = {
            name
            for panel in dashboard["panels"]
            for target in panel["targets"]
            for name in re.findall(r"(?:torrentd|process)_[a-z_]+", target["expr"])
        }
        assert used and used <= known
        page = (ROOT / "docs" / "metrics.md").read_text()
        assert set(re.findall(r"torrentd_[a-z_]*[a-z]\b(?!…|_…)", page)) <= known | {
            "torrentd_magnet_stage_seconds",
            "torrentd_loop_lag_seconds",
        }


class TestHistograms:
    def test_the_stages_of_a_magnet_are_observed_when_its_metadata_is_here(self) -> None:
        torrent = make_torrent(1, "one")
        torrent.stages_s = {"dht": 0.2, "peers": 0.3, "handshakes": 0.4, "metadata": 0.6}
        of = Metrics(FakeSession(torrent))
        infohash = InfoHash(bytes.fromhex(torrent.infohash))
        of.happened(Happening("added", infohash, "one"))
        of.happened(Happening("metadata", infohash, "one"))
        found = samples(of)
        assert found["torrentd_magnet_stage_seconds_count{stage=metadata}"] == 1
        assert found["torrentd_magnet_stage_seconds_sum{stage=peers}"] == pytest.approx(0.3)

    def test_a_loop_that_is_held_up_shows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metrics, "LAG_INTERVAL_S", 0.01)

        async def scenario() -> None:
            of = Metrics(FakeSession())
            watch = asyncio.ensure_future(of.watch_lag())
            await turn()
            hold_the_loop_up()
            await until(lambda: samples(of)["torrentd_loop_lag_seconds_count"] > 0)
            watch.cancel()
            assert samples(of)["torrentd_loop_lag_seconds_sum"] >= 0.05

        run(scenario())
