"""The progress of torrents somebody waits for: a bar on a terminal, lines elsewhere, or nothing."""

import signal
import sys
import time
from types import FrameType, TracebackType
from typing import NoReturn, Protocol, Self

from torrentd.daemon.ctl.document import Document, json_text
from torrentd.daemon.ctl.sentences import progress_sentence, short_name

LINE_EVERY_S = 10.0
SHARE_STEP = 0.1
ECHO_WIDTH = 3  # `^C`: a line as wide as the terminal would be wrapped by it, and stay behind


class Reporter(Protocol):
    """Shown `interval_s` apart; a context, since a terminal must be left as it was."""

    interval_s: float

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def show(self, daemon: Document, torrents: list[Document]) -> None: ...


def make_reporter(quiet: bool) -> Reporter:
    if sys.stderr.isatty():
        return Bar()
    return Silence() if quiet else Lines()


class Silence:
    interval_s = 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def show(self, daemon: Document, torrents: list[Document]) -> None:
        """Nothing to see."""


class Lines(Silence):
    """A line on standard error when a torrent enters a stage, gains a tenth, or at times."""

    interval_s = 0.5

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, float]] = {}

    def show(self, daemon: Document, torrents: list[Document]) -> None:
        now = time.monotonic()
        for torrent in torrents:
            infohash = torrent.text("infohash")
            step = int(torrent.number("progress") / SHARE_STEP)
            mark = f"{torrent.text('state')} {torrent.text('stage')} {step}"
            last_mark, last_at = self._last.get(infohash, ("", now))
            if mark == last_mark and now - last_at < LINE_EVERY_S:
                continue
            self._last[infohash] = (mark, now)
            self._tell(daemon, torrent)

    def _tell(self, daemon: Document, torrent: Document) -> None:
        sentence = progress_sentence(daemon, torrent)
        print(f"{short_name(torrent)}: {sentence}", file=sys.stderr, flush=True)


class JsonLines(Lines):
    """The same for machines: a torrent's whole status, a line on standard output."""

    def _tell(self, daemon: Document, torrent: Document) -> None:
        sys.stdout.write(json_text(torrent.value, indented=False))
        sys.stdout.flush()


class Bar:
    """Redrawn in place on standard error, the cursor given back however the process ends."""

    interval_s = 0.2

    def __init__(self) -> None:
        from rich.live import Live

        from torrentd.daemon.ctl.bars import make_console

        self._live = Live(console=make_console(sys.stderr), auto_refresh=False)

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, daemon: Document, torrents: list[Document]) -> None:
        from torrentd.daemon.ctl.bars import progress_grid

        width = max(1, self._live.console.width - ECHO_WIDTH)
        rows = max(1, self._live.console.height - 1)
        self._live.update(progress_grid(daemon, torrents[:rows], width), refresh=True)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
