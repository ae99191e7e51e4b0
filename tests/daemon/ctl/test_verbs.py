"""Verbs against a control server: what is sent, what is printed, how it ends."""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_hop, make_torrent
from tests.wire.torrents import single_file
from torrentd.daemon.ctl.main import main
from torrentd.daemon.ledger import Totals
from torrentd.daemon.status import AddRequest, Moved
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import PingEnded, ScrapeEnded
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo

ONE = 0xC9E15763
INFOHASH = "ab" * 20
MAGNET = f"magnet:?xt=urn:btih:{INFOHASH}"


@pytest.fixture
def served() -> Iterator[Served]:
    session = FakeSession(make_torrent(ONE, "one"), make_torrent(2, "two"))
    with serve(session) as running:
        yield running


def run(served: Served, *arguments: str) -> int:
    return main(["--socket", str(served.path), *arguments])


class TestJson:
    @pytest.mark.parametrize(
        "line",
        [
            "status",
            "status one",
            "info one",
            "peers one",
            "why",
            "why one",
            "files one",
            "pieces one",
            "export one",
            "pause one two",
            "resume one",
            "verify one",
            "remove one",
            "add-peer one 192.0.2.1:80",
            "dht",
            "dht status",
            "dht nodes",
            "version",
            "wait one --timeout 5",
            f"add {MAGNET}",
            f"add {MAGNET} --wait",
        ],
    )
    def test_every_verb_prints_one_document_on_one_line(
        self, served: Served, capsys: pytest.CaptureFixture[str], line: str
    ) -> None:
        served.loop.call_soon_threadsafe(served.session.reached.set)
        assert run(served, "--json", *line.split()) == 0
        captured = capsys.readouterr()
        assert captured.out.endswith("\n") and captured.out.count("\n") == 1
        assert isinstance(json.loads(captured.out), dict) and captured.err == ""

    def test_status_is_what_the_session_said(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "status", "--json") == 0
        assert json.loads(capsys.readouterr().out) == {
            "schema": 1,
            "daemon": asdict(served.session.status()),
            "torrents": [asdict(torrent) for torrent in served.session.torrents()],
        }

    def test_a_refusal_prints_no_document(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "--json", "info", "nobody") == 1
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err == "torrentctl: there is no torrent nobody\n"


class TestAdd:
    def test_a_file_travels_as_bytes(self, served: Served, tmp_path: Path) -> None:
        path = tmp_path / "a.torrent"
        path.write_bytes(bytes(range(256)) * 1000)
        assert run(served, "add", str(path), "--paused", "--dir", str(tmp_path)) == 0
        expected = AddRequest(metainfo=path.read_bytes(), paused=True, download_dir=str(tmp_path))
        assert served.session.added == [expected]

    def test_options_travel(self, served: Served) -> None:
        assert run(served, "add", MAGNET, "--select", "0,2-3") == 0
        assert served.session.added == [AddRequest(MAGNET, select=["0,2-3"])]

    def test_one_refused_source_does_not_stop_the_others(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "--json", "add", MAGNET, "magnet:?nonsense", MAGNET) == 1
        captured = capsys.readouterr()
        assert len(json.loads(captured.out)["torrents"]) == 2
        assert captured.err == "torrentctl: magnet:?nonsense: this is no magnet link\n"

    def test_one_unreadable_file_adds_nothing(self, served: Served) -> None:
        assert run(served, "add", MAGNET, "/nowhere/a.torrent") == 2
        assert served.session.added == []

    def test_wait_shows_the_end(self, served: Served, capsys: pytest.CaptureFixture[str]) -> None:
        served.loop.call_soon_threadsafe(served.session.reached.set)
        assert run(served, "add", MAGNET, "--wait") == 0
        captured = capsys.readouterr()
        assert captured.out.splitlines()[-1] == "done added, 1.20 GiB in /srv/downloads"
        assert "43.2% of 1.20 GiB" in captured.err

    def test_wait_times_out_with_4(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "--json", "add", MAGNET, "--wait", "--timeout", "0.01") == 4
        assert "timed out" in capsys.readouterr().err


class TestResolve:
    def test_a_magnet_becomes_a_torrent_file(
        self, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torrent = single_file(b"x" * 5000, name=b"resolved.bin")
        served.session.resolved = encode_metainfo(torrent.metadata)
        path = tmp_path / "a.torrent"
        assert run(served, "resolve", MAGNET, str(path), "--timeout", "2m") == 0
        assert path.read_bytes() == served.session.resolved
        assert capsys.readouterr().out == (
            f"resolved.bin, 4.88 KiB in 1 file\n{path} is its torrent file\n"
        )
        assert run(served, "--json", "resolve", MAGNET) == 0
        assert json.loads(capsys.readouterr().out) == {
            "schema": 1,
            "infohash": torrent.infohash.hex(),
            "name": "resolved.bin",
            "size_bytes": 5000,
            "file_count": 1,
        }
        assert served.session.calls == [("resolve", MAGNET, 120.0), ("resolve", MAGNET, 60.0)]

    def test_nobody_has_it(self, served: Served, tmp_path: Path) -> None:
        assert run(served, "resolve", MAGNET, str(tmp_path / "a.torrent")) == 1
        assert list(tmp_path.iterdir()) == []


class TestStats:
    def test_totals_run_and_days(
        self, served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        ledger = served.session.ledger
        ledger.totals = Totals(
            first_at=1_750_000_000,
            starts=3,
            moved=Moved(2048, 5120, 100, 200, 300, 400),
            days={"2026-11-23": Moved(2048, 0), "2026-11-24": Moved(0, 5120)},
        )
        assert run(served, "stats", "--days", "1", "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert document["days"] == [{"day": "2026-11-24", **asdict(Moved(0, 5120))}]
        assert document["all"]["uploaded_bytes"] == 5120 and document["starts"] == 3
        assert run(served, "stats") == 0
        text = capsys.readouterr().out.splitlines()
        lines = [line.split() for line in text]
        assert text[-3] == (
            "beside that, in all: peers' talk down 100 B up 200 B, DHT down 300 B up 400 B"
        )
        assert text[-2].startswith("beside that, in this run: peers' talk down 0 B")
        assert lines[1][:6] == ["all", "2.00", "KiB", "5.00", "KiB", "2.50"]
        assert lines[2][:5] == ["run", "0", "B", "0", "B"]
        assert lines[3] == ["2026-11-24", "0", "B", "5.00", "KiB"]
        assert lines[-1] == ["since", "2025-06-15,", "3", "starts"]


class TestOthers:
    def test_commands_reach_the_session(self, served: Served) -> None:
        assert run(served, "pause", "one") == 0
        assert run(served, "remove", "two", "--data") == 0
        assert run(served, "add-peer", "one", "192.0.2.1:80") == 0
        assert served.session.calls == [
            ("pause", f"{ONE:08x}" * 5),
            ("remove", "00000002" * 5, "deleted"),
            ("add_peer", f"{ONE:08x}" * 5, "192.0.2.1:80"),
        ]

    def test_shutdown_returns_when_the_daemon_is_gone(
        self, served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopping = threading.Thread(target=served.stop)
        monkeypatch.setattr(served.session, "request_shutdown", stopping.start)
        assert run(served, "shutdown") == 0
        stopping.join(10)
        assert capsys.readouterr().out == "torrentd has stopped\n"

    def test_a_daemon_that_does_not_stop_is_told(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torrentd.daemon.ctl.verbs.STOP_S", 0.01)
        assert run(served, "shutdown") == 4

    def test_a_hostile_refusal_is_one_harmless_line(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "info", "x\x1b[2J\ny") == 1
        assert capsys.readouterr().err == "torrentctl: there is no torrent x\\x1b[2J\\x0ay\n"

    def test_json_for_a_terminal_is_indented(
        self,
        served: Served,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        assert run(served, "version", "--json") == 0
        assert capsys.readouterr().out.startswith('{\n  "schema": 1,\n  "version": "1.2.3",')


class TestDht:
    def test_a_ping_that_is_answered_ends_with_0_another_with_1(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        there = Address("192.0.2.1", 6881)
        served.session.dht.pings[there] = PingEnded(there, 0.1, NodeId(b"n" * 20))
        assert run(served, "dht", "ping", str(there)) == 0
        assert run(served, "dht", "add-node", str(there)) == 0
        assert capsys.readouterr().out.endswith("it is in the routing table\n")
        assert run(served, "dht", "ping", "192.0.2.2:6881") == 1
        assert capsys.readouterr().out == "192.0.2.2:6881 does not answer\n"

    def test_no_address_is_a_sentence(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "dht", "ping", "router.example") == 1
        assert "is no node: write 192.0.2.1:6881" in capsys.readouterr().err

    def test_a_lookup_is_watched_hop_by_hop(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        served.session.dht.hops = [make_hop(1), make_hop(2, "203.0.113.1")]
        assert run(served, "dht", "lookup", INFOHASH) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("  TIME HOP") and lines[2].endswith("1 peer, 1 new")
        assert lines[-1].startswith("1 peer, the first after 0.2s; 2 nodes asked")

    def test_a_lookup_in_json_is_one_document(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        served.session.dht.hops = [make_hop(1)]
        assert run(served, "dht", "lookup", INFOHASH, "--json") == 1, "nobody was found"
        assert len(json.loads(capsys.readouterr().out)["hops"]) == 1

    def test_a_scrape_that_nobody_answers_ends_with_1(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, "dht", "scrape", INFOHASH) == 1
        served.session.dht.scraped = ScrapeEnded(InfoHash(b"h" * 20), 3, 52, nodes=8)
        assert run(served, "dht", "scrape", INFOHASH) == 0
        assert capsys.readouterr().out.endswith(
            "about 3 seeds and 52 other peers, as 8 nodes counted\n"
        )


class TestJsonLines:
    def test_what_was_added_and_how_far_it_is(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        served.loop.call_soon_threadsafe(served.session.reached.set)
        assert run(served, "add", MAGNET, MAGNET, "--wait", "--jsonl") == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["added"] for line in lines[:2]] == [True, True]
        assert [line["state"] for line in lines[2:]] == ["downloading", "downloading"]

    def test_a_wait(self, served: Served, capsys: pytest.CaptureFixture[str]) -> None:
        served.loop.call_soon_threadsafe(served.session.reached.set)
        assert run(served, "wait", "one", "two", "--jsonl") == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["name"] for line in lines] == ["one", "two"]

    def test_hops_of_a_lookup_and_then_what_was_found(
        self, served: Served, capsys: pytest.CaptureFixture[str]
    ) -> None:
        served.session.dht.hops = [make_hop(1), make_hop(2, "203.0.113.1")]
        assert run(served, "dht", "lookup", INFOHASH, "--jsonl") == 0
        *hops, found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [hop["depth"] for hop in hops] == [1, 2]
        assert found["peers"] == ["203.0.113.1:6881"] and "hops" not in found

    @pytest.mark.parametrize("verb", ["add x", "wait one", "events", f"dht lookup {INFOHASH}"])
    def test_one_document_or_many(
        self, served: Served, verb: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(served, *verb.split(), "--json", "--jsonl") == 2
        assert "--jsonl is a line for each" in capsys.readouterr().err
