"""Waiting for torrents, with something to look at meanwhile."""

import time

from torrentd.daemon.client.errors import TimedOut
from torrentd.daemon.client.progress import Waiting
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, TIMED_OUT, Failure
from torrentd.daemon.ctl.progress import JsonLines, make_reporter
from torrentd.daemon.ctl.quantities import duration
from torrentd.daemon.ctl.sentences import progress_sentence, short_name


def wait(
    client: Client,
    torrents: list[str],
    until: str,
    timeout_s: float | None,
    quiet: bool = False,
    as_jsonl: bool = False,
) -> Document:
    """The document of `wait`; Failure when the time is over or a torrent will not get there."""
    with JsonLines() if as_jsonl else make_reporter(quiet) as reporter:
        waiting = Waiting(torrents, until, reporter.interval_s, timeout_s, time.monotonic())
        while True:
            result = client.ask(waiting.wait(time.monotonic()))
            infohashes = [torrent.text("infohash") for torrent in result.children("torrents")]
            status = client.ask(waiting.status(infohashes))
            reporter.show(status.child("daemon"), status.children("torrents"))
            reached = result.flag("reached")
            if not reached:
                _refuse_hopeless(status, until)
            try:
                if waiting.is_over(reached, time.monotonic()):
                    return result
            except TimedOut:
                raise Failure(TIMED_OUT, _timed_out(timeout_s or 0, status)) from None


def _refuse_hopeless(status: Document, until: str) -> None:
    for torrent in status.children("torrents"):
        if torrent.text("error"):
            raise Failure(REFUSED, f"{short_name(torrent)}: {torrent.text('error')}")
        unfinished = torrent.number("progress") < 1 or until == "seeding"
        if torrent.text("state") == "paused" and unfinished:
            sentence = f"{short_name(torrent)} is paused; torrentctl resume lets it go on"
            raise Failure(REFUSED, sentence)


def _timed_out(timeout_s: float, status: Document) -> str:
    """Says where the first unfinished torrent stands, which is what one wants to know next."""
    where = [
        f"{short_name(torrent)}: {progress_sentence(status.child('daemon'), torrent)}"
        for torrent in status.children("torrents")
        if torrent.text("state") in ("metadata", "checking", "downloading")
    ]
    return f"timed out after {duration(timeout_s)}; " + (where[0] if where else "not done")
