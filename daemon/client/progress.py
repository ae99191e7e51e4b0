"""Waiting for torrents while somebody looks: which question comes next, and when it is over."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torrentd.daemon.client.errors import TimedOut
from torrentd.daemon.client.requests import ANSWER_S, Request
from torrentd.daemon.control_lines import Json

if TYPE_CHECKING:
    from torrentd.daemon.client.documents import Wait
    from torrentd.daemon.client.status_documents import Status


class Progress:
    """`reached`: all are there. `status` is of those that were waited for."""

    def __init__(self, reached: bool, status: "Status") -> None:
        self.reached = reached
        self.status = status


class Waiting:
    """First `wait`, then `status` of the torrents that it names; again until `is_over`.

    The daemon answers `wait` as soon as all are there, so that nobody waits for the next look.
    """

    def __init__(
        self,
        torrents: str | Sequence[str],
        until: str,
        every_s: float,
        timeout_s: float | None,
        now: float,
    ) -> None:
        self._torrents = [torrents] if isinstance(torrents, str) else [*torrents]
        self._until = until
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._deadline = None if timeout_s is None else now + timeout_s

    def wait(self, now: float) -> "Request[Wait]":
        left_s = self._every_s
        if self._deadline is not None:
            left_s = max(0.0, min(left_s, self._deadline - now))
        params: dict[str, Json] = {"torrents": [*self._torrents], "until": self._until}
        return Request("wait", {**params, "timeout_s": left_s}, b"", left_s + ANSWER_S)

    def status(self, infohashes: list[str]) -> "Request[Status]":
        """Names change: a magnet's is replaced by that of its metadata."""
        self._torrents = infohashes
        return Request("status", {"torrents": [*infohashes]})

    def is_over(self, reached: bool, now: float) -> bool:
        """Raises TimedOut when the time is over first."""
        if not reached and self._deadline is not None and now >= self._deadline:
            raise TimedOut(f"timed out after {self._timeout_s:g} s")
        return reached
