"""Every log line of the daemon: structlog, one line on standard error, safe to read and to store.

    log = get_logger("dht")                       # once a module
    log.warning("bootstrap failed", host=host)    # the first argument is the kind: a constant

`configure_logs` is called once at start and again when SIGHUP changed `log.level`. Rules kept here:
JSON unless standard error is a terminal; at most 10 lines/s of one kind, the next one that passes
says how many were `suppressed`; every value is escaped and at most 200 characters long, so that no
stranger writes a line of ours or to our terminal (T12). A line that cannot be written is lost: a
full disk under the journal must not stop the daemon. Never log per block or per datagram.
"""

import logging
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TextIO

from torrentd.daemon.lean import without
from torrentd.daemon.printable import printable

with without("rich"):  # for tracebacks that we never show: 4 MiB
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LINES_PER_S_MAX = 10
KINDS_MAX = 1000  # more than the source has; beyond, all counts begin anew
TRACEBACK_LINES_MAX = 60
INT_MAX = 2**63  # beyond it, readers of JSON disagree, and beyond 4300 digits Python refuses
_COLUMNS = ("timestamp", "level", "room", "event")  # come first in a line, in this order

LogLevel = Literal["debug", "info", "warning", "error"]
_LEVELS: dict[LogLevel, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
LogFormat = Literal["auto", "json", "console"]


def configure_logs(level: LogLevel, log_format: LogFormat, stream: TextIO | None = None) -> None:
    """Takes effect at once, for loggers that exist already too. `stream`: standard error."""
    stream = stream or sys.stderr
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _rate,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
            escape_values,
            *_renderers(console, stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: Lines(stream),
        cache_logger_on_first_use=False,  # otherwise a reload could not change the level
    )
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryHandler) for handler in root.handlers):
        root.addHandler(LibraryHandler(logging.WARNING))


def get_logger(room: str) -> FilteringBoundLogger:
    """A logger whose lines carry `room`; may be made before `configure_logs`."""
    logger: FilteringBoundLogger = structlog.get_logger(room=room)
    return logger


def log_suppressed() -> None:
    """A line for each kind cut short that fell silent since; once a minute and at the end."""
    for kind, count in _rate.take_overdue().items():
        get_logger("logs").info("lines suppressed", kind=kind, suppressed=count)


@dataclass(slots=True)
class _Kind:
    second_began_at: float
    lines: int = 0
    suppressed: int = 0


class LineRate:
    """Lets 10 lines of a kind pass in a second and counts the others."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}

    def __call__(self, logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        kind = self._kind(str(line.get("event")))
        if kind.lines >= LINES_PER_S_MAX:
            kind.suppressed += 1
            raise structlog.DropEvent
        kind.lines += 1
        if kind.suppressed:
            line["suppressed"] = kind.suppressed
            kind.suppressed = 0
        return line

    def take_overdue(self) -> dict[str, int]:
        """The counts that no later line of their kind has told, by kind; forgotten here."""
        second_ago = self._clock() - 1
        overdue: dict[str, int] = {}
        for name, kind in self._kinds.items():
            if kind.suppressed and kind.second_began_at <= second_ago:
                overdue[name] = kind.suppressed
                kind.suppressed = 0
        return overdue

    def _kind(self, name: str) -> _Kind:
        now = self._clock()
        if len(self._kinds) >= KINDS_MAX and name not in self._kinds:
            self._kinds.clear()
        kind = self._kinds.setdefault(name, _Kind(now))
        if now - kind.second_began_at >= 1:
            kind.second_began_at = now
            kind.lines = 0
        return kind


_rate = LineRate(time.monotonic)  # one for the process: a reload forgets no count


def escape_values(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Numbers and truth values stay, all else becomes a short printable text."""
    failure = line.pop("exc_info", None)
    escaped: EventDict = {}
    for key in sorted(line, key=_column):
        escaped[key] = _escaped(line[key])
    if failure:
        escaped["exception"] = _traceback(failure)
    return escaped


def _column(key: str) -> int:
    return _COLUMNS.index(key) if key in _COLUMNS else len(_COLUMNS)


def _escaped(value: object) -> str | int | float | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < INT_MAX else printable(hex(value))
    if isinstance(value, float) and math.isfinite(value):
        return value
    return printable(value if isinstance(value, str | bytes) else str(value))


def _traceback(failure: object) -> str:
    """Each line begins with a bar: none can be mistaken for a log line."""
    error = failure if isinstance(failure, BaseException) else sys.exc_info()[1]
    if error is None:
        return ""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join("  | " + printable(line) for line in lines[-TRACEBACK_LINES_MAX:])


def _renderers(console: bool, stream: TextIO) -> list[Processor]:
    if not console:
        return [structlog.processors.JSONRenderer()]
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    ]


class Lines:
    """The sink under structlog: one write a line, and no error ever comes back from it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # closed, full, or a pipe without a reader
            pass

    debug = info = warning = error = critical = msg


class LibraryHandler(logging.Handler):
    """What libraries say through `logging` (asyncio, above all) becomes a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = get_logger("library")
        tell = log.error if record.levelno >= logging.ERROR else log.warning
        failure = record.exc_info[1] if record.exc_info else None
        tell("library warning", library=record.name, text=_message(record), exc_info=failure)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # their format string does not fit its arguments
        return str(record.msg)
