"""The torrents of other daemons, read from the folders where those keep them.

Nothing is changed there.

    found = read_foreign("transmission", folder)      # ForeignError: there is nothing of that kind

Everything in such a file is checked as a stranger's: its form may be of another version, and an
entry that makes no sense becomes a sentence in `problem`, not an end of the whole.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from torrentd.daemon.foreign_pickle import read_deluge_state
from torrentd.wire.formats.bencode import (
    METAINFO_LIMITS,
    STATE_LIMITS,
    Bencoded,
    decode_dict,
    get_bytes,
    get_dict,
    get_int,
    get_list,
)
from torrentd.wire.formats.errors import MetainfoError, ProtocolError
from torrentd.wire.formats.metainfo import Metainfo, decode_metainfo

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
RATE_MAX: Final = 2**40
LABELS_MAX: Final = 20
LABEL_CHARS_MAX: Final = 40
_NOT_IN_LABELS: Final = str.maketrans(dict.fromkeys(",:*?[]", "-"))


class ForeignError(Exception):
    """One sentence: there is nothing to import."""


@dataclass(slots=True)
class Foreign:
    """One torrent. With a `problem` it cannot be taken; else `metainfo` or `magnet` is there, and
    its data is in `folder`, below its own name."""

    infohash: str
    name: str
    problem: str = ""
    metainfo: bytes = b""
    magnet: str = ""
    folder: str = ""
    paused: bool = False
    labels: list[str] = field(default_factory=list)
    unwanted: list[int] = field(default_factory=list)
    file_count: int = 0
    download_bytes_per_s_max: int = 0
    upload_bytes_per_s_max: int = 0
    ratio: float | None = None


def read_foreign(client: str, folder: Path) -> list[Foreign]:
    """In the order of their infohashes."""
    if not folder.is_dir():
        raise ForeignError(f"{folder} is no folder")
    found = sorted(READERS[client](folder), key=lambda foreign: foreign.infohash)
    if not found:
        raise ForeignError(f"there are no torrents of {client} in {folder}: {PLACES[client]}")
    return found


def transmission(folder: Path) -> Iterator[Foreign]:
    for path in _files(folder / "torrents", ".torrent", ".magnet"):
        foreign, _ = _of_file(path)
        entry = _decoded(_resume_of(folder / "resume", path, foreign.infohash))
        _fill(foreign, entry.get(b"destination"), entry.get(b"paused"), entry.get(b"labels"))
        skipped = get_list(entry, b"dnd") or []
        foreign.unwanted = [index for index, skip in enumerate(skipped) if skip == 1]
        foreign.download_bytes_per_s_max = _transmission_limit(entry, b"speed-limit-down")
        foreign.upload_bytes_per_s_max = _transmission_limit(entry, b"speed-limit-up")
        limit = get_dict(entry, b"ratio-limit") or {}
        if limit.get(b"ratio-mode") == 1:
            foreign.ratio = _float(limit.get(b"ratio-limit"))
        yield foreign


def qbittorrent(folder: Path) -> Iterator[Foreign]:
    backup = folder if folder.name == "BT_backup" else folder / "BT_backup"
    for path in _files(backup, ".fastresume"):
        entry = _decoded(path)
        metainfo = path.with_suffix(".torrent")
        if metainfo.exists():
            foreign, _ = _of_file(metainfo)
        else:
            foreign = Foreign(path.stem.lower(), _text(entry.get(b"name")))
            foreign.magnet = f"magnet:?xt=urn:btih:{foreign.infohash}"
        saved = entry.get(b"qBt-savePath") or entry.get(b"save_path")
        tags = [entry.get(b"qBt-category"), *(get_list(entry, b"qBt-tags") or [])]
        _fill(foreign, saved, entry.get(b"paused"), tags)
        priorities = get_list(entry, b"file_priority") or []
        foreign.unwanted = [index for index, priority in enumerate(priorities) if priority == 0]
        foreign.download_bytes_per_s_max = _rate(entry.get(b"download_rate_limit"))
        foreign.upload_bytes_per_s_max = _rate(entry.get(b"upload_rate_limit"))
        ratio = get_int(entry, b"qBt-ratioLimit", 0, 10**9)
        foreign.ratio = None if ratio is None else ratio / 1000
        yield foreign


def deluge(folder: Path) -> Iterator[Foreign]:
    state = folder / "state" if (folder / "state").is_dir() else folder
    entries = {
        str(entry.get("torrent_id")): entry
        for entry in read_deluge_state(_bytes(state / "torrents.state"))
    }
    for path in _files(state, ".torrent"):
        foreign, _ = _of_file(path)
        entry = entries.get(foreign.infohash)
        if entry is None:
            continue  # a file that it forgot to delete
        saved, paused = entry.get("save_path"), entry.get("paused")
        _fill(foreign, str(saved or "").encode(), int(paused is True), [])
        priorities = entry.get("file_priorities")
        if isinstance(priorities, list | tuple):
            foreign.unwanted = [index for index, each in enumerate(priorities) if each == 0]
        down, up = entry.get("max_download_speed"), entry.get("max_upload_speed")
        foreign.download_bytes_per_s_max = _kib(down)
        foreign.upload_bytes_per_s_max = _kib(up)
        ratio = entry.get("stop_ratio")
        if entry.get("stop_at_ratio") is True and isinstance(ratio, int | float):
            foreign.ratio = float(ratio)
        yield foreign


def rtorrent(folder: Path) -> Iterator[Foreign]:
    for path in _files(folder, ".torrent"):
        foreign, metainfo = _of_file(path)
        entry = _decoded(path.with_name(path.name + ".rtorrent"))
        place = _text(entry.get(b"directory"))
        if metainfo is not None and metainfo.info.multi_file and place:
            place, name = os.path.split(place.rstrip("/"))
            if name != foreign.name:
                foreign.problem = f"its folder is called {name}: rename it, then add --from {place}"
        label = _text(entry.get(b"custom1"))
        _fill(foreign, place.encode(), 1 - (get_int(entry, b"state", 0, 1) or 0), [label.encode()])
        yield foreign


READERS: Final[dict[str, Callable[[Path], Iterator[Foreign]]]] = {
    "transmission": transmission,
    "qbittorrent": qbittorrent,
    "deluge": deluge,
    "rtorrent": rtorrent,
}
PLACES: Final = {
    "transmission": "it is the folder with `torrents` and `resume` in it",
    "qbittorrent": "it is the folder with `BT_backup` in it, or that one",
    "deluge": "it is the folder with `state` in it, or that one",
    "rtorrent": "it is the folder of its session, with .torrent.rtorrent files in it",
}


def _files(folder: Path, *endings: str) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [folder / name for name in names if name.endswith(endings)]


def _bytes(path: Path) -> bytes:
    """Empty where there is nothing to read, or far too much."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        return b""
    return data if len(data) <= FILE_BYTES_MAX else b""


def _decoded(path: Path) -> dict[bytes, Bencoded]:
    try:
        return decode_dict(_bytes(path), STATE_LIMITS)
    except ProtocolError:
        return {}


def _of_file(path: Path) -> tuple[Foreign, Metainfo | None]:
    """What the torrent file says; transmission keeps magnets in such files too."""
    data = _bytes(path)
    if data[:7].lower() == b"magnet:":
        text = data.decode("utf-8", "replace").strip()
        return Foreign(path.stem.lower(), path.stem, magnet=text), None
    try:
        metainfo = decode_metainfo(data)
    except MetainfoError as error:
        return _magnet_in(path, data, error.reason), None
    name = metainfo.info.name.decode("utf-8", "replace")
    infohash = metainfo.infohash.hex()
    return Foreign(infohash, name, metainfo=data, file_count=len(metainfo.info.files)), metainfo


def _magnet_in(path: Path, data: bytes, reason: str) -> Foreign:
    try:
        entry = get_dict(decode_dict(data, METAINFO_LIMITS), b"magnet-info") or {}
    except ProtocolError:
        entry = {}
    infohash = get_bytes(entry, b"info_hash", 20)
    if infohash is None or len(infohash) != 20:
        return Foreign(path.stem.lower()[:40], path.stem, problem=reason)
    name = _text(entry.get(b"display-name"))
    return Foreign(infohash.hex(), name, magnet=f"magnet:?xt=urn:btih:{infohash.hex()}")


def _resume_of(folder: Path, path: Path, infohash: str) -> Path:
    """By the infohash; of an older transmission, by the name of the torrent file."""
    own = folder / f"{path.stem}.resume"
    return own if own.exists() else folder / f"{infohash}.resume"


def _fill(foreign: Foreign, saved: object, paused: object, labels: object) -> None:
    """What all of them know, by whatever name."""
    foreign.folder = _text(saved)
    foreign.paused = paused == 1
    texts = [_text(label) for label in labels] if isinstance(labels, list) else []
    clean = [text.translate(_NOT_IN_LABELS).strip(" -")[:LABEL_CHARS_MAX] for text in texts]
    foreign.labels = [text for text in dict.fromkeys(clean) if text and text.isprintable()]
    del foreign.labels[LABELS_MAX:]
    if not foreign.folder.startswith("/") and not foreign.problem:
        foreign.problem = "where its data is was not found"


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else ""


def _float(value: object) -> float | None:
    try:
        return float(_text(value))
    except ValueError:
        return None


def _rate(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < RATE_MAX else 0


def _kib(value: object) -> int:
    """Deluge counts KiB, and -1 is no limit."""
    return int(value * 1024) if isinstance(value, int | float) and 0 < value < RATE_MAX else 0


def _transmission_limit(entry: dict[bytes, Bencoded], key: bytes) -> int:
    limit = get_dict(entry, key) or {}
    return _rate(limit.get(b"speed-Bps")) if limit.get(b"use-speed-limit") == 1 else 0
