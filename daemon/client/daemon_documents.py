"""The documents of the daemon's own affairs: versions, totals, bans, configuration, journal.

See status_documents.py for how they are written.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from torrentd.daemon.client.status_documents import Document, Infohash, Moved, UnixTime


class Version(Document):
    """The daemon that answers."""

    version: str
    protocol: Annotated[int, "as schema"]
    uptime_s: int
    pid: int


class Shutdown(Document):
    """The daemon ends."""

    stopping: Literal[True]


class MovedInRun(Moved):
    """And in how much time."""

    running_s: int


class MovedInDay(Moved):
    """Of one day of the daemon's local time."""

    day: Annotated[str, "as 2026-11-24"]


class Stats(Document):
    """What was moved: in all, in this run, by day, the newest first."""

    since: UnixTime
    starts: int
    all: MovedInRun
    run: MovedInRun
    days: list[MovedInDay]


class Ban(Document):
    """Who is banned by hand, and what of that has just changed."""

    changed: list[str]
    banned: list[str]


class Setting(TypedDict):
    """One key of the configuration that runs."""

    key: str
    value: Annotated[str, "as the file would say it"]
    origin: Literal["default", "file", "environment", "hand"]
    line: Annotated[int | None, "of the file, where that says it"]


class Difference(TypedDict):
    """A key that runs with another value than a start with the file alone would give it."""

    key: str
    running: str
    file: str
    reason: Literal["changed by hand", "not reloaded", "needs a restart"]


class Explained(TypedDict):
    """One key of the configuration."""

    key: str
    sentence: str
    allowed: str
    default: Annotated[str | None, "null: it depends on who starts the daemon"]
    needs_restart: bool


class _OfFile(Document):
    file: Annotated[str | None, "the configuration file; null: none was there at the start"]


class ConfigShow(_OfFile):
    """The values that run, and where they come from."""

    settings: list[Setting]


class ConfigDiff(_OfFile):
    """What runs otherwise than the file says."""

    differences: list[Difference]


class ConfigExplain(Document):
    """What keys mean."""

    keys: list[Explained]


class Reload(_OfFile):
    """What of the configuration has changed."""

    applied: Annotated[list[str], "keys whose new value counts from now on"]
    needs_restart: Annotated[list[str], "keys that wait for a restart"]


class _Happened(TypedDict):
    cursor: Annotated[str, "of this event; `since` it are those that came later"]
    at: Annotated[float, "seconds since 1970"]


class DaemonEvent(_Happened):
    """The daemon ends, or loses its network, or finds it again."""

    event: Literal["stopped", "network-lost", "network-found"]


class StartedEvent(_Happened):
    """The daemon begins."""

    event: Literal["started"]
    version: str


class _OfTorrent(_Happened):
    infohash: Infohash
    name: str


class TorrentEvent(_OfTorrent):
    """A torrent goes on: after an error, or a pause."""

    event: Literal["recovered", "resumed"]


class AddedEvent(_OfTorrent):
    """A torrent is new."""

    event: Literal["added"]
    dir: str


class MetadataEvent(_OfTorrent):
    """A torrent knows its files."""

    event: Literal["metadata"]
    size_bytes: int
    files: int


class FileDoneEvent(_OfTorrent):
    """One file is here."""

    event: Literal["file-done"]
    file: Annotated[int, "its index"]
    path: str


class DoneEvent(_OfTorrent):
    """All that is wanted of a torrent is here."""

    event: Literal["done"]
    dir: str
    size_bytes: int


class IncompleteEvent(_OfTorrent):
    """A torrent that was done lacks something again."""

    event: Literal["incomplete"]
    files_done: Annotated[str, "indices of the files that are whole, as in 0-2,7"]


class ErrorEvent(_OfTorrent):
    """A torrent cannot go on."""

    event: Literal["error"]
    cause: str


class PausedEvent(_OfTorrent):
    """A torrent stops; `cause` where it was no user."""

    event: Literal["paused"]
    cause: NotRequired[str]


class RemovedEvent(_Happened):
    """A torrent is gone. Told of after a kill, only the infohash is known."""

    event: Literal["removed"]
    infohash: Infohash
    name: NotRequired[str]
    data: NotRequired[Annotated[bool, "with its files"]]
    trash: NotRequired[Annotated[bool, "these went to the trash"]]


class HookFailedEvent(_Happened):
    """A hook's command failed; infohash and name are those of the event that it was run for."""

    event: Literal["hook-failed"]
    infohash: NotRequired[Infohash]
    name: NotRequired[str]
    hook: Annotated[str, "the command"]
    of: Annotated[str, "the event"]
    cause: str


class MissedEvent(TypedDict):
    """Events that the journal no longer has."""

    event: Literal["missed"]
    count: Annotated[int | None, "null: the cursor is of another journal, and nobody knows"]


Event = (
    AddedEvent
    | MetadataEvent
    | FileDoneEvent
    | DoneEvent
    | IncompleteEvent
    | ErrorEvent
    | PausedEvent
    | TorrentEvent
    | RemovedEvent
    | HookFailedEvent
    | StartedEvent
    | DaemonEvent
    | MissedEvent
)


class Events(Document):
    """What happened, in order."""

    events: list[Event]
    cursor: Annotated[str, "of the last one; what comes later is `since` it"]
    more: Annotated[bool, "there are others already"]
