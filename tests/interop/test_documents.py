"""Every document and every line that torrentctl prints of a real daemon is what its schema says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.client.documents_checked import mistakes
from tests.daemon.test_foreign import made_by
from tests.interop.payload import Payload, single_file, two_files
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.daemon.client.schema import DOCUMENTS, LINES
from torrentd.daemon.ctl.main import main

DOCUMENT, LINE = "--json", "--jsonl"
ABSENT = "cd" * 20


class Printed:
    """Runs torrentctl here, and holds what it prints to the schemas."""

    def __init__(self, torrentd: TorrentdProcess, capsys: pytest.CaptureFixture[str]) -> None:
        self._socket = str(torrentd.socket)
        self._capsys = capsys
        self.documents: set[str] = set()
        self.lines: set[str] = set()
        self.mistakes: list[str] = []

    def run(self, verb: str, *arguments: str, form: str = DOCUMENT) -> None:
        self._capsys.readouterr()
        code = main(["--socket", self._socket, *verb.split(), *arguments, form])
        out, err = self._capsys.readouterr()
        assert code in (0, 1) and out, f"{verb} {arguments}: {code}, {err}"
        seen, whole = self.documents, form == DOCUMENT
        if not whole:
            seen = self.lines
        for each in [out] if whole else out.splitlines():
            self.mistakes += mistakes(json.loads(each), verb, line=not whole)
        seen.add(verb)


def test_all_that_is_printed_of_a_real_daemon(
    tmp_path: Path, new_host: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    two, one = two_files(source, 262_144), single_file(source, 300_000)
    hosts = new_host(), new_host()
    first = TorrentdProcess(hosts[0], tmp_path / "first", bootstrap=[])
    second = TorrentdProcess(hosts[1], tmp_path / "second", bootstrap=[f"{hosts[0]}:6881"])
    with first, second:
        for payload in (two, one):
            first.command("add", str(payload.torrent_path), "--dir", str(source))
        first.command("wait", "all")
        printed = Printed(second, capsys)
        downloaded(printed, two, one, f"{hosts[0]}:6881")
        changed(printed, two, tmp_path)
        of_the_dht(printed, two, tmp_path, f"{hosts[0]}:6881")
        of_files_here(printed, two, tmp_path)
        ended(printed, two)
        assert printed.mistakes == []
        assert set(DOCUMENTS) - printed.documents == set()
        assert set(LINES) - printed.lines == set()


def downloaded(printed: Printed, two: Payload, one: Payload, peer: str) -> None:
    infohash = two.infohash
    printed.run("dht add-node", peer)
    printed.run("status")
    printed.run("resolve", f"{two.magnet}&x.pe={peer}", "--timeout", "30")
    printed.run("add", f"{two.magnet}&x.pe={peer}", "--label", "isos", "--ratio", "3")
    printed.run("info", infohash)
    printed.run("why")
    printed.run("add-peer", infohash, peer)
    printed.run("wait", infohash, "--timeout", "60", form=LINE)
    printed.run("add", f"{one.magnet}&x.pe={peer}", "--wait", "--timeout", "60", form=LINE)
    printed.run("wait", "all", "--timeout", "60")
    for verb in ("status", "why", "stats", "events", "queue", "limits", "version"):
        printed.run(verb)
    for verb in ("info", "peers", "files", "pieces", "export"):
        printed.run(verb, infohash)


def changed(printed: Printed, two: Payload, tmp_path: Path) -> None:
    infohash = two.infohash
    printed.run("files", infohash, "--skip", "b", "--high", "a")
    printed.run("label", infohash, "--add", "films")
    printed.run("limits", infohash, "--down", "1M", "--rule", "when ratio > 9: pause")
    printed.run("limits", "--up", "5M", "--alternative", "on")
    printed.run("queue", infohash, "--top")
    printed.run("announce", infohash)
    for verb in ("pause", "resume", "verify"):
        printed.run(verb, infohash, "--dry-run")
        printed.run(verb, infohash)
    printed.run("wait", infohash, "--timeout", "60")
    printed.run("rename", infohash, "another name")
    printed.run("move", infohash, str(tmp_path / "moved"))
    printed.run("ban", "192.0.2.0/24")
    printed.run("config show")
    printed.run("config set", "log.level", "debug")
    printed.run("config diff")
    printed.run("config drop")
    printed.run("config explain", "log")
    printed.run("reload")


def of_the_dht(printed: Printed, two: Payload, tmp_path: Path, node: str) -> None:
    for verb in ("dht status", "dht nodes", "dht sample"):
        printed.run(verb)
    printed.run("dht ping", node)
    printed.run("dht ping", "127.0.0.1:1")
    for form in (DOCUMENT, LINE):
        printed.run("dht lookup", two.infohash, form=form)
    printed.run("dht scrape", two.infohash)
    printed.run("dht put", "Hello World!")
    printed.run("dht get", "e5f96f6f38320f0f33959cb4d3d656452117aadb")
    printed.run("dht get", ABSENT)
    key = str(tmp_path / "key")
    printed.run("publish", two.infohash, "--key", key, "--new-key")
    printed.run("follow", "magnet:?xs=urn:btpk:" + "ab" * 32)
    printed.run("follow")
    printed.run("unfollow", "abababab")


def of_files_here(printed: Printed, two: Payload, tmp_path: Path) -> None:
    printed.run("show", str(two.torrent_path), two.magnet + "&so=0")
    here = tmp_path / "here"
    here.mkdir()
    (here / "made").write_bytes(bytes(100_000))
    made, again = str(here / "made.torrent"), str(here / "again.torrent")
    printed.run("create", str(here / "made"), "--output", made)
    printed.run("create", str(here / "made"), "--output", again, "--piece-size", "32K", "--seed")
    printed.run("add", made, "--from", str(here), "--dry-run")
    printed.run("add", made, "--from", str(here))
    folder = made_by("qbittorrent", tmp_path / "foreign")
    printed.run("import", "qbittorrent", str(folder), "--dry-run")
    printed.run("import", "qbittorrent", str(folder), "--yes")


def ended(printed: Printed, two: Payload) -> None:
    printed.run("remove", two.infohash, "--dry-run")
    printed.run("remove", two.infohash)
    printed.run("events")
    printed.run("events", form=LINE)
    printed.run("shutdown")
