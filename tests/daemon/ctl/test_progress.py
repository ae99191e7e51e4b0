"""Progress for a terminal, for a log, and for nobody."""

import io
import json
import signal
import sys
import time

import pytest

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.progress import Bar, JsonLines, Lines, Silence, make_reporter

DAEMON = Document({"dht": {"nodes_good": 1}})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def download(share: float, **fields: Json) -> list[Document]:
    values: dict[str, Json] = {"infohash": "ab" * 20, "name": "one", "state": "downloading"}
    return [Document({**values, "progress": share, "size_bytes": 100, **fields})]


class TestChoice:
    def test_a_terminal_gets_a_bar_even_when_the_answer_is_json(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert isinstance(make_reporter(quiet=True), Bar)

    def test_elsewhere_there_are_lines_unless_quiet(self, capsys: object) -> None:
        assert isinstance(make_reporter(quiet=False), Lines)
        assert type(make_reporter(quiet=True)) is Silence


class TestLines:
    def test_a_line_at_each_tenth_and_each_change_of_state(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: 1.0)
        with Lines() as lines:
            for share in (0.0, 0.01, 0.05, 0.11, 0.12, 0.35):
                lines.show(DAEMON, download(share))
            lines.show(DAEMON, download(0.35, state="paused"))
        shown = capsys.readouterr().err.splitlines()
        assert [line.split(",")[0] for line in shown] == [
            "one: 0.0% of 100 B",
            "one: 11.0% of 100 B",
            "one: 35.0% of 100 B",
            "one: paused",
        ]

    def test_a_line_now_and_then_though_nothing_moves(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = iter([0.0, 5.0, 9.9, 10.0, 15.0])
        monkeypatch.setattr(time, "monotonic", lambda: next(clock))
        with Lines() as lines:
            for _ in range(5):
                lines.show(DAEMON, download(0.5))
        assert len(capsys.readouterr().err.splitlines()) == 2


def fake_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called by the test itself, since pytest puts its own standard error back after a fixture."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": "5"}.items():
        monkeypatch.setenv(name, value)
    return terminal


class TestBar:
    def test_the_cursor_is_given_back_after_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = fake_terminal(monkeypatch)
        with pytest.raises(ZeroDivisionError), Bar() as bar:
            bar.show(DAEMON, download(0.5))
            raise ZeroDivisionError
        text = terminal.getvalue()
        assert "50.0%" in text
        assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")

    def test_more_torrents_than_lines_do_not_scroll_the_screen(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal = fake_terminal(monkeypatch)
        with Bar() as bar:
            bar.show(DAEMON, download(0.5) * 50)
        drawn_twice = terminal.getvalue().count("50.0%")  # once more when it ends
        assert 0 < drawn_twice <= 2 * 4


def test_for_machines_a_document_a_line_when_something_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with JsonLines() as reporter:
        for share in (0.0, 0.01, 0.5, 0.51, 1.0):
            reporter.show(DAEMON, download(share, name="\x1b[2J"))
    captured = capsys.readouterr()
    shares = [json.loads(line)["progress"] for line in captured.out.splitlines()]
    assert shares == [0.0, 0.5, 1.0] and captured.err == "" and "\x1b" not in captured.out
