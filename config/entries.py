"""What stands in lists of torrentd.yaml: an entry is a map with keys of its own."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from torrentd.config.values import (
    MIB,
    AbsolutePath,
    Count,
    Flag,
    LabelName,
    Right,
    Rules,
    Section,
    Size,
    Text,
    unique,
)

HookEvent = Literal[
    "added",
    "metadata",
    "file-done",
    "done",
    "incomplete",
    "error",
    "recovered",
    "paused",
    "resumed",
    "removed",
    "network-lost",
    "network-found",
    "started",
]


Folder = Annotated[AbsolutePath | None, Right("an absolute path, or one that begins with ~/")]
EVENT_TEXT = "one of " + ", ".join(get_args(HookEvent))


def _events(events: tuple[HookEvent, ...]) -> tuple[HookEvent, ...]:
    if not events:
        raise ValueError("none is there")
    unique(events)
    return events


def _command(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words[0].startswith("/"):
        raise ValueError("the program is not named by its absolute path")
    return words


class Hook(Section):
    """A command for some events."""

    on: Annotated[
        tuple[Annotated[HookEvent, Right(EVENT_TEXT)], ...],
        AfterValidator(_events),
        Right("a list of " + ", ".join(get_args(HookEvent))),
    ]
    """What it is run for."""

    command: Annotated[
        tuple[Text, ...],
        AfterValidator(_command),
        Right("the absolute path of a program and its arguments, a list of 1 to 100 texts"),
    ] = Field(min_length=1, max_length=100)
    """The program and its arguments, as they are: nothing in them is replaced or expanded."""

    timeout_s: Count = Field(default=60, ge=1, le=86_400)
    """After so many seconds it is killed, with all that it started."""


class Label(Section):
    """What a label brings along."""

    name: LabelName
    """The label itself. All but the rules counts for what is added with it."""

    dir: Folder = None
    """Where the data goes, unless --dir says otherwise."""

    download_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """The torrent's own limit, in."""

    upload_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """The same, out."""

    sequential: Flag = False
    """Pieces in order."""

    rules: Rules = Field(default=(), max_length=20)
    """For whatever has the label, in the place of seeding.rules."""


class WatchFolder(Section):
    """A folder whose torrent and magnet files are added."""

    path: AbsolutePath
    """The folder itself; what is below its folders is not looked at."""

    dir: Folder = None
    """Where the data goes; without it to download_dir."""

    labels: Annotated[tuple[Text, ...], Right("a list of at most 20 labels")] = Field(
        default=(), max_length=20
    )
    """The labels that the torrents get."""

    paused: Flag = False
    """Add them paused."""
