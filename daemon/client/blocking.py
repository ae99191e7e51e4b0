"""The client for scripts: it blocks.

with Client() as daemon:
    for torrent in daemon.status()["torrents"]:
        print(torrent["name"], torrent["progress"])
"""

import time
from collections.abc import Iterator

from torrentd.daemon.client.calling import Caller
from torrentd.daemon.client.methods import Goal, Methods, Texts
from torrentd.daemon.client.progress import Progress, Waiting


class Client(Methods, Caller):
    """One connection, one request at a time; each stream has a connection of its own, so that one
    can ask while one listens. Not for several threads at once. Every method raises ClientError."""

    def progress(
        self,
        torrents: Texts,
        *,
        until: Goal = "done",
        every_s: float = 1.0,
        timeout_s: float | None = None,
    ) -> Iterator[Progress]:
        """How far they are, every so often, until all are there. Raises TimedOut."""
        waiting = Waiting(torrents, until, every_s, timeout_s, time.monotonic())
        reached = False
        while not waiting.is_over(reached, time.monotonic()):
            waited = self.call(waiting.wait(time.monotonic()))
            reached = waited["reached"]
            infohashes = [torrent["infohash"] for torrent in waited["torrents"]]
            yield Progress(reached, self.call(waiting.status(infohashes)))
