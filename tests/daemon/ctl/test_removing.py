"""Removing: what is meant is found first, asked for where it may be too much, and sent by name."""

import io
import json
import sys
from collections.abc import Iterator

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl import removing
from torrentd.daemon.ctl.main import main
from torrentd.daemon.ctl.removing import is_pattern

NAMES = ["debian-12", "debian-13", "sintel"]


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession(*(make_torrent(n, name) for n, name in enumerate(NAMES)))) as running:
        yield running


def run(served: Served, line: str) -> int:
    return main(["--socket", str(served.path), *line.split()])


def left(served: Served) -> list[str]:
    return [torrent.name for torrent in served.session.entries.values()]


def types(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Somebody sits at a terminal and types this."""
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


@pytest.mark.parametrize("line", ["remove sintel", "remove debian-12 debian-13", "remove sint*"])
def test_what_is_named_one_by_one_goes_without_a_word(served: Served, line: str) -> None:
    assert run(served, line) == 0
    assert len(left(served)) < 3


@pytest.mark.parametrize(
    "line", ["remove all", "remove debian-*", "remove state:downloading", "remove sintel d*"]
)
def test_where_nobody_can_be_asked_many_are_refused(
    served: Served, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    assert run(served, line + " --data") == 2
    assert "torrents and their data; --yes says that it is meant" in capsys.readouterr().err
    assert left(served) == NAMES


def test_yes_says_that_it_is_meant(served: Served) -> None:
    assert run(served, "remove debian-* --data --yes") == 0
    assert left(served) == ["sintel"]
    assert [call[0::2] for call in served.session.calls] == [("remove", "deleted")] * 2


def test_what_went_to_the_trash_is_told_with_its_place(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, "remove sintel --trash") == 0
    assert capsys.readouterr().out == (
        "removed sintel 00000002\nsintel is in the trash: /trash/files/sintel\n"
    )
    assert run(served, "remove debian-* --trash") == 2
    assert "remove 2 torrents, their data to the trash; --yes" in capsys.readouterr().err
    assert run(served, "remove debian-12 --trash --data") == 2
    assert left(served) == NAMES[:2]


@pytest.mark.parametrize(
    ("answer", "goes"),
    [("y\n", True), ("YES\n", True), ("\n", False), ("", False), ("no\n", False)],
)
def test_on_a_terminal_it_asks(
    served: Served,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    goes: bool,
) -> None:
    types(monkeypatch, answer)
    assert run(served, "remove debian-*") == (0 if goes else 1)
    asked = capsys.readouterr().err
    assert "  00000001 debian-13\nremove 2 torrents? [y/N] " in asked
    assert left(served) == (["sintel"] if goes else NAMES)


def test_a_long_list_and_hostile_names_are_asked_about_on_one_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    torrents = [make_torrent(number, f"x\x1b[2J\n{number}") for number in range(100)]
    with serve(FakeSession(*torrents)) as crowd:
        types(monkeypatch, "n\n")
        assert run(crowd, "remove all") == 1
    asked = capsys.readouterr().err
    assert "\x1b" not in asked and "… and 80 more" in asked
    assert len(asked.splitlines()) <= 24


def test_many_go_in_batches(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "BATCH", 2)
    assert run(served, "remove all --yes") == 0
    assert left(served) == []


@pytest.mark.parametrize("verb", ["pause", "resume", "verify", "announce", "remove"])
def test_a_dry_run_only_says_what_would_be(
    served: Served, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert run(served, f"{verb} debian-* --dry-run") == 0
    assert capsys.readouterr().out == (
        f"would {verb} debian-12 00000000\nwould {verb} debian-13 00000001\n"
    )
    assert run(served, f"{verb} debian-* --dry-run --json") == 0
    assert [t["name"] for t in json.loads(capsys.readouterr().out)["torrents"]] == NAMES[:2]
    assert served.session.calls == [] and left(served) == NAMES


@pytest.mark.parametrize(
    ("selector", "pattern"),
    [("all", True), ("state:x", True), ("a*", True), ("a?", True), ("[x]", True), ("c9e1", False)],
)
def test_patterns(selector: str, pattern: bool) -> None:
    assert is_pattern(selector) is pattern
