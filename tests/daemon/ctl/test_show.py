"""Each verb's document as a person reads it: whole pages, and hostile words in every field."""

from dataclasses import fields

import pytest
from rich.cells import cell_len

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.ctl.printed import Print, printed
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl import dht_show, show
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.status import TorrentInfo
from torrentd.wire.formats.ids import InfoHash


def status_document(*torrents: object, warnings: list[str] | None = None) -> dict[str, object]:
    session = FakeSession()
    session.warnings = warnings or []
    return {"daemon": session.status(), "torrents": list(torrents)}


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


class TestStatus:
    def test_the_table_is_followed_by_what_does_not_move_and_why(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        failed, magnet = make_torrent(0xC9E15763, "failed"), make_torrent(0x12345678, "magnet")
        failed.state, failed.error = "error", "disk full on /srv"
        magnet.state, magnet.stage, magnet.size_bytes = "metadata", "peers", 0
        document = status_document(failed, magnet, warnings=["no network"])
        assert printed(capsys, show.show_status, document) == [
            "ID       NAME     STATE        DONE  SIZE DOWN/s  UP/s   PEERS   LEFT",
            "c9e15763 failed   error       43.2%  1.2G  12.3M  1.1M      14",
            "12345678 magnet   metadata                 12.3M  1.1M      14",
            "c9e15763 error: disk full on /srv",
            "12345678 looking for peers: 123 DHT nodes, 120 known",
            "2 torrents, down 12.3 MiB/s, up 1.10 MiB/s, 14 peers, 123 DHT nodes",
            "warning: no network",
        ]

    def test_without_torrents_there_is_no_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        (line,) = printed(capsys, show.show_status, status_document())
        assert line.startswith("0 torrents, down")

    def test_a_hundred_failures_are_not_a_hundred_lines(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        torrents = [make_torrent(number) for number in range(100)]
        for torrent in torrents:
            torrent.error = "disk full"
        lines = printed(capsys, show.show_status, status_document(*torrents))
        assert len(lines) == 1 + 100 + show.NOTES_MAX + 2
        assert lines[-2] == "… and 90 more; torrentctl info tells each"

    def test_nothing_is_wider_than_80_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        torrents = [make_torrent(number, "日本語" * 40) for number in range(10)]
        lines = printed(capsys, show.show_status, status_document(*torrents))
        assert max(cell_len(line) for line in lines) <= 80


def info_document() -> dict[str, object]:
    torrent = make_torrent(0xC9E15763, "one")
    torrent.swarm_seeds, torrent.swarm_peers = 1, 40
    session = FakeSession(torrent)
    info = session.info(InfoHash(bytes.fromhex(torrent.infohash)))
    own = {field.name: getattr(info, field.name) for field in fields(TorrentInfo)[1:]}
    return {**{field.name: getattr(torrent, field.name) for field in fields(torrent)}, **own}


class TestOthers:
    def test_info(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.localtime", lambda seconds: __import__("time").gmtime(seconds))
        assert printed(capsys, show.show_info, info_document()) == [
            "name      one",
            "infohash  c9e15763c9e15763c9e15763c9e15763c9e15763",
            "state     downloading",
            "progress  43.2%, 531 MiB of 1.20 GiB",
            "pieces    2124 of 4916, 256 KiB each",
            "files     3 in /srv/downloads/torrent",
            "download  12.3 MiB/s, 531 MiB in all",
            "upload    1.10 MiB/s, 74.0 MiB in all",
            "wasted    16.0 KiB, 1 piece failed the hash, 1 peer banned",
            "peers     14 connected, 3 of them seeds; 120 known",
            "swarm     about 1 seed and 40 other peers, as the DHT counts them",
            "left      1h02m",
            "added     2025-06-15 15:06:40",
            "magnet    magnet:?xt=urn:btih:c9e15763c9e15763c9e15763c9e15763c9e15763",
        ]

    def test_before_the_metadata_info_shows_no_empty_numbers(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lines = printed(capsys, show.show_info, {**info_document(), "piece_count": 0})
        assert "data      not known yet; it goes to /srv/downloads/torrent" in lines
        assert not any(line.startswith(("progress", "pieces", "files")) for line in lines)

    def test_info_of_a_magnet_tells_how_long_each_stage_took(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        document = {**info_document(), "stages_s": {"dht": 0.1, "peers": 2.0}, "stage": "peers"}
        assert "stages    DHT 0.1s → peers 2.0s …" in printed(capsys, show.show_info, document)

    @pytest.mark.parametrize(
        ("print_it", "result", "line"),
        [
            (show.show_version, {"version": "1.2", "uptime_s": 61, "pid": 7}, "up 1m01s"),
            (show.show_peers, {"name": "one", "peers": []}, "one is connected to no peer"),
            (show.show_files, {"name": "one", "files": []}, "the files of one are not known yet"),
            (show.show_address, {"name": "one", "address": "[::1]:8"}, "one tries [::1]:8"),
            (show.show_shutdown, {"stopping": True}, "torrentd has stopped"),
        ],
    )
    def test_short_ones(
        self, capsys: pytest.CaptureFixture[str], print_it: Print, result: Json, line: str
    ) -> None:
        assert line in printed(capsys, print_it, result)[0]

    def test_why_is_a_sentence_and_what_helps(self, capsys: pytest.CaptureFixture[str]) -> None:
        torrents = [
            {"infohash": "c9" * 20, "name": "one", "sentence": "it is paused", "help": "resume"},
            {"infohash": "ab" * 20, "name": "ab" * 20, "sentence": "long " * 20, "help": None},
        ]
        assert printed(capsys, show.show_why, {"torrents": torrents}) == [
            "c9c9c9c9 one: it is paused",
            "  what helps: resume",
            "abababab: " + ("long " * 14).rstrip(),
            "    " + ("long " * 6).rstrip(),
        ]
        assert printed(capsys, show.show_why, {"torrents": []}) == ["there is no torrent"]

    def test_nothing_done_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        lines = printed(capsys, show.named("paused"), {"torrents": []})
        assert lines == ["no torrent is meant by that now"]

    @pytest.mark.parametrize(
        ("torrent", "line"),
        [
            ({"infohash": "ab", "name": "one", "added": True}, "added one ab"),
            ({"infohash": "ab", "name": "ab", "added": True}, "added ab"),
            ({"infohash": "ab", "name": "one", "added": False}, "was there already: one ab"),
        ],
    )
    def test_added(
        self, capsys: pytest.CaptureFixture[str], torrent: dict[str, Json], line: str
    ) -> None:
        assert printed(capsys, show.show_added, {"torrents": [torrent]}) == [line]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_field_of_any_document_reaches_the_terminal_raw(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Every string of every document is the hostile one (T12)."""
    torrent: dict[str, Json] = dict.fromkeys(
        ("infohash", "name", "state", "stage", "error", "magnet", "files_root", "download_dir"),
        name,
    )
    torrent.update(dict.fromkeys(("address", "client", "source", "flags", "path", "family"), name))
    torrent.update(external_address=name, node_id=name, version=name, enabled=True, size_bytes=1)
    whole: dict[str, Json] = {**torrent, "daemon": {"warnings": [name]}}
    for key in ("torrents", "peers", "files", "families"):
        whole[key] = [torrent]
    for key in ("nodes", "searches"):
        whole[key] = [torrent]
    torrent["votes"] = {name: [name]}
    torrent.update(sentence=name, help=name)
    modules = (show, dht_show)
    printers = [f for m in modules for key, f in vars(m).items() if key.startswith("show_")]
    assert show.show_status in printers and dht_show.show_nodes in printers
    for print_it in [*printers, show.named("paused")]:
        print_it(Document(whole))
    assert is_safe(capsys.readouterr().out)
