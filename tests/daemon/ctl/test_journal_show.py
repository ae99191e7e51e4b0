"""Events as a person and a script read them, and hostile words in every field (T12)."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.fake_session import FakeSession
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.journal_show import show_event
from torrentd.daemon.ctl.main import main

INFOHASH = "c9e15763" * 5


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession()) as running:
        yield running


def run(served: Served, *arguments: str) -> int:
    return main(["--socket", str(served.path), "events", *arguments])


def shown(capsys: pytest.CaptureFixture[str], **fields: Json) -> str:
    event: dict[str, Json] = {"cursor": "00c0ffee-1", "at": 1_750_000_000.25}
    show_event(Document({**event, **fields}))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"event": "done", "size_bytes": 1048576}, "done          c9e15763 one: 1.00 MiB"),
        ({"event": "added"}, "added         c9e15763 one"),
        ({"event": "added", "name": INFOHASH}, "added         c9e15763"),
        ({"event": "error", "cause": "no disk"}, "error         c9e15763 one: no disk"),
        ({"event": "file-done", "path": "/a/b"}, "file-done     c9e15763 one: /a/b"),
        ({"event": "removed", "data": True}, "removed       c9e15763 one: with its data"),
        (
            {"event": "removed", "data": True, "trash": True},
            "removed       c9e15763 one: its data is in the trash",
        ),
        ({"event": "of another version"}, "of another version c9e15763 one"),
    ],
)
def test_an_event_is_a_line(
    capsys: pytest.CaptureFixture[str], fields: dict[str, Json], line: str
) -> None:
    text = shown(capsys, **{"infohash": INFOHASH, "name": "one", **fields})
    assert text == f"2025-06-15 15:06:40 {line}\n"


def test_events_of_the_daemon_name_no_torrent(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, event="network-lost") == "2025-06-15 15:06:40 network-lost\n"
    text = shown(capsys, event="started", version="1.2.3")
    assert text == "2025-06-15 15:06:40 started       : torrentd 1.2.3\n".replace("       :", ":")


def test_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, event="missed", count=3)
    assert text == "missed: 3 events that the journal no longer has\n"
    assert "is not known" in shown(capsys, event="missed", count=None)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_word_of_a_stranger_moves_a_cursor(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fields = dict.fromkeys(("infohash", "name", "cause", "path", "event"), name)
    text = shown(capsys, **fields)
    assert is_safe(text) and text.count("\n") == 1
    text = shown(capsys, **{**fields, "event": "error"})
    assert is_safe(text) and text.count("\n") == 1


def test_all_of_them_however_many_answers_it_takes(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    served.session.journal.put(*range(1, 3001))
    assert run(served) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3001
    assert lines[-1] == "what comes later: torrentctl events --since 00c0ffee-3000"
    assert run(served, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["events"]) == 3000 and document["cursor"] == "00c0ffee-3000"
    assert run(served, "--jsonl", "--since", "00c0ffee-2998") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["cursor"][9:] for line in lines] == ["2999", "3000"]


def test_who_follows_reads_each_when_it_happens(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    served.session.journal.put(1, 2)
    served.loop.call_soon_threadsafe(served.loop.call_later, 0.05, served.session.journal.put, 3)

    def end() -> None:
        for client in list(served.server._clients):
            client.stream.abort(b"")

    served.loop.call_soon_threadsafe(served.loop.call_later, 0.3, end)
    assert run(served, "--follow", "--jsonl", "--since", "00c0ffee-1") == 3, "the daemon ended"
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["cursor"][9:] for line in lines] == ["2", "3"]


def test_one_document_is_none_that_is_followed(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, "--follow", "--json") == 2
    assert "--jsonl" in capsys.readouterr().err
