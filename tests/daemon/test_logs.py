"""daemon/logs.py: formats, levels, the rate of a kind, and lines that nobody can forge (T12)."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon import logs
from torrentd.daemon.logs import (
    LINES_PER_S_MAX,
    LibraryHandler,
    LineRate,
    LogFormat,
    configure_logs,
    escape_values,
    get_logger,
    log_suppressed,
)

HOSTILE = "\x1b[31m\x1b]0;x\x07\r\n2026-01-01 [error] forged\u202e\ud800\x9b\u2028"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logs_of_this_test_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logs, "_rate", LineRate(lambda: 0.0))
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    structlog.reset_defaults()


def written(stream: io.StringIO) -> list[dict[str, str | int | float | bool | None]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_has_one_document_a_line() -> None:
    stream = io.StringIO()
    configure_logs("info", "json", stream)
    get_logger("dht").info("bootstrap done", nodes=8, took_s=1.5, again=False, error=None)
    (line,) = written(stream)
    assert list(line)[:4] == ["timestamp", "level", "room", "event"]
    timestamp = line.pop("timestamp")
    assert isinstance(timestamp, str)
    assert timestamp.endswith("Z")
    assert line == {
        "level": "info",
        "room": "dht",
        "event": "bootstrap done",
        "nodes": 8,
        "took_s": 1.5,
        "again": False,
        "error": None,
    }


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_auto_is_json_unless_a_terminal(
    log_format: LogFormat, stream: io.StringIO, is_json: bool
) -> None:
    configure_logs("info", log_format, stream)
    get_logger("tcp").info("listening")
    assert stream.getvalue().startswith("{") == is_json
    assert "listening" in stream.getvalue()


def test_colors_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for stream, no_color, colored in (
        (Terminal(), "", True),
        (Terminal(), "1", False),
        (io.StringIO(), "", False),
    ):
        monkeypatch.setenv("NO_COLOR", no_color)
        configure_logs("info", "console", stream)
        get_logger("tcp").info("listening")
        assert ("\x1b[" in stream.getvalue()) == colored


def test_the_level_of_existing_loggers_changes_with_a_reload() -> None:
    stream = io.StringIO()
    log = get_logger("session")
    configure_logs("warning", "json", stream)
    log.info("quiet")
    log.warning("loud")
    configure_logs("debug", "json", stream)
    log.debug("now told")
    assert [line["event"] for line in written(stream)] == ["loud", "now told"]


def test_standard_error_is_where_lines_go(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    get_logger("main").info("started")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "started"


class TestTheRateOfAKind:
    def test_ten_lines_pass_in_a_second_and_the_next_one_counts_the_others(self) -> None:
        now = 100.0
        rate = LineRate(lambda: now)
        passed = 0
        for _ in range(1000):
            try:
                rate(None, "info", {"event": "flood"})
            except structlog.DropEvent:
                continue
            passed += 1
        assert passed == LINES_PER_S_MAX
        now = 101.0
        assert rate(None, "info", {"event": "flood"}) == {"event": "flood", "suppressed": 990}
        assert rate(None, "info", {"event": "flood"}) == {"event": "flood"}

    def test_one_kind_does_not_silence_another(self) -> None:
        rate = LineRate(lambda: 0.0)
        for number in range(200):
            assert rate(None, "info", {"event": f"kind {number}"})

    def test_ten_a_second_for_an_hour(self) -> None:
        now = 0.0
        rate = LineRate(lambda: now)
        passed = 0
        for tick in range(3600 * 50):
            now = tick / 50
            try:
                rate(None, "info", {"event": "flood"})
            except structlog.DropEvent:
                continue
            passed += 1
        assert passed == 3600 * LINES_PER_S_MAX

    def test_the_number_of_kinds_has_an_end(self) -> None:
        rate = LineRate(lambda: 0.0)
        for number in range(5000):
            rate(None, "info", {"event": f"kind {number}"})
            assert len(rate._kinds) <= logs.KINDS_MAX

    def test_a_flood_that_fell_silent_is_told_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 0.0
        monkeypatch.setattr(logs, "_rate", LineRate(lambda: now))
        stream = io.StringIO()
        configure_logs("info", "json", stream)
        for _ in range(25):
            get_logger("udp").warning("send failed")
        log_suppressed()
        assert len(written(stream)) == LINES_PER_S_MAX  # its second is not over
        now = 1.0
        log_suppressed()
        log_suppressed()
        last = written(stream)[LINES_PER_S_MAX:]
        assert [(line["kind"], line["suppressed"]) for line in last] == [("send failed", 15)]


class TestNothingFromTheNetworkIsPrintedRaw:
    @pytest.mark.parametrize("log_format", ["json", "console"])
    @pytest.mark.parametrize("value", [HOSTILE, HOSTILE.encode("utf-8", "surrogatepass")])
    def test_a_value_cannot_forge_a_line_or_reach_the_terminal(
        self, log_format: LogFormat, value: str | bytes
    ) -> None:
        stream = io.StringIO()
        configure_logs("info", log_format, stream)
        get_logger("peer").info("client", name=value, names=[value], error=ValueError(value))
        text = stream.getvalue()
        assert text.endswith("\n")
        assert text[:-1].isprintable()

    @pytest.mark.parametrize("log_format", ["json", "console"])
    def test_a_traceback_cannot_either(self, log_format: LogFormat) -> None:
        stream = io.StringIO()
        configure_logs("info", log_format, stream)
        try:
            raise ValueError(HOSTILE + "x" * 10_000)
        except ValueError:
            get_logger("tasks").error("a task failed", exc_info=True)
        first, *others = stream.getvalue().splitlines()
        assert "a task failed" in first
        assert all(line.startswith("  | ") and line.isprintable() for line in others)
        assert max(map(len, others), default=0) <= 204
        assert "ValueError" in stream.getvalue()

    def test_a_deep_traceback_is_cut(self) -> None:
        stream = io.StringIO()
        configure_logs("info", "json", stream)

        def fall(depth: int) -> None:
            if depth:
                fall(depth - 1)
                return
            raise ExceptionGroup("many", [ValueError(str(number)) for number in range(100)])

        try:
            fall(50)
        except ExceptionGroup as error:
            get_logger("tasks").error("a task failed", exc_info=error)
        (line,) = written(stream)
        assert str(line["exception"]).count("\n") < logs.TRACEBACK_LINES_MAX

    @given(st.text() | st.binary() | st.integers() | st.floats() | st.none() | st.booleans())
    def test_any_value_becomes_json_that_every_reader_takes(
        self, value: str | bytes | float | None
    ) -> None:
        line = escape_values(None, "info", {"event": "x", "value": value})
        text = json.dumps(line, allow_nan=False)
        assert len(text) <= 2500
        assert text.isprintable()

    def test_a_number_too_long_to_print_is_cut(self) -> None:
        line = escape_values(None, "info", {"event": "x", "value": 10**10_000})
        assert str(line["value"]).startswith("0x")
        assert len(str(line["value"])) == 200

    def test_no_exception_is_no_traceback(self) -> None:
        assert sys.exc_info()[1] is None
        assert escape_values(None, "info", {"event": "x", "exc_info": True})["exception"] == ""


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    configure_logs("info", "json", Broken())
    get_logger("main").error("disk full")
    closed = io.StringIO()
    closed.close()
    configure_logs("info", "json", closed)
    get_logger("main").error("no terminal")


class TestLibraries:
    def test_what_they_say_becomes_a_line_of_ours(self) -> None:
        stream = io.StringIO()
        configure_logs("info", "json", stream)
        logging.getLogger("asyncio").error("took %.1f s\x1b[m", 3.0)
        logging.getLogger("kademlia").info("not told")
        (line,) = written(stream)
        assert (line["level"], line["library"]) == ("error", "asyncio")
        assert line["text"] == "took 3.0 s\\x1b[m"

    def test_with_its_traceback(self) -> None:
        stream = io.StringIO()
        configure_logs("info", "json", stream)
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("asyncio").warning("callback failed", exc_info=True)
        assert "KeyError" in str(written(stream)[0]["exception"])

    def test_their_mistakes_are_not_ours(self) -> None:
        stream = io.StringIO()
        configure_logs("info", "json", stream)
        record = logging.makeLogRecord(
            {"msg": "%d things", "args": ("no number",), "levelno": logging.WARNING}
        )
        LibraryHandler().handle(record)
        assert written(stream)[0]["text"] == "%d things"

    def test_they_are_heard_once_after_a_reload(self) -> None:
        configure_logs("info", "json", io.StringIO())
        configure_logs("info", "json", io.StringIO())
        handlers = logging.getLogger().handlers
        assert sum(isinstance(handler, LibraryHandler) for handler in handlers) == 1
