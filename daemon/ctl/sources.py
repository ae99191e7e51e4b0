"""What `add` is given: magnets, infohashes, files, standard input -> the params of each request.

Files are read here, with the rights of the person who types, and only their bytes go to the daemon:
it opens no path that a client names.
"""

import os
import re
import sys
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from torrentd.daemon.control_lines import METAINFO_BYTES_MAX, Json
from torrentd.daemon.ctl.failure import USAGE, Failure

_INFOHASH = re.compile(r"[0-9A-Fa-f]{40}|[A-Za-z2-7]{32}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Source(NamedTuple):
    """`label` is how errors call it; `payload` are the bytes of a torrent file, or none."""

    label: str
    params: dict[str, Json]
    payload: bytes


def read_sources(arguments: Sequence[str]) -> list[Source]:
    """All of them, before the first is sent: a wrong one changes nothing."""
    sources: list[Source] = []
    for argument in arguments:
        if argument == "-":
            sources += _read_stdin(sys.stdin.buffer)
        else:
            sources.append(_read_source(argument))
    return sources


def _read_source(argument: str) -> Source:
    if argument[:7].lower() == "magnet:":
        return Source(_short(argument), {"uri": argument}, b"")
    if _INFOHASH.fullmatch(argument) and not os.path.exists(argument):
        return Source(argument, {"uri": argument}, b"")
    if _URL.match(argument):
        raise Failure(
            USAGE, f"{_short(argument)}: torrentd fetches no URLs; download the file first"
        )
    try:
        with open(argument, "rb") as file:
            return _metainfo(argument, file.read(METAINFO_BYTES_MAX + 1))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) else "no such name"
        raise Failure(USAGE, f"cannot read {_short(argument)}: {reason}") from None


def _read_stdin(stream: BinaryIO) -> list[Source]:
    """The bytes of one torrent file, or any of the other kinds, one a line."""
    data = stream.read(METAINFO_BYTES_MAX + 1)
    if re.match(rb"d[0-9]", data):
        return [_metainfo("standard input", data)]
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise Failure(USAGE, "standard input is neither a torrent file nor text") from None
    wanted = [line.strip() for line in lines if line.strip()]
    if not wanted:
        raise Failure(USAGE, "standard input names nothing to add")
    return [_read_source(line) for line in wanted]


def _metainfo(label: str, data: bytes) -> Source:
    if not data:
        raise Failure(USAGE, f"{_short(label)} is empty")
    if len(data) > METAINFO_BYTES_MAX:
        limit = METAINFO_BYTES_MAX // 1024 // 1024
        raise Failure(USAGE, f"{_short(label)} is larger than {limit} MiB: no torrent file")
    return Source(label, {"metainfo_bytes": len(data)}, data)


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."
