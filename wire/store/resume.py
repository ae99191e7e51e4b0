"""What is known of a torrent between runs: one checksummed file each (threats F1, F2, F11, F14).

No BEP applies. The file is

    <8 bytes "torrentd"><4-byte version><8-byte generation><8-byte length><32-byte BLAKE2b><body>

with integers big-endian, the checksum over all but itself, and a bencoded dictionary of that length
as body. The bytes before the body mean the same in every version. Invariant: a bit in `have` means
that the piece was verified and was on stable storage before the file was written.
"""

import hashlib
import os
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

from torrentd.wire.formats.bencode import (
    STATE_LIMITS,
    Bencoded,
    decode_dict,
    encode,
    get_bytes,
    get_dict,
    get_int,
    get_list,
)
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import FILE_COUNT_MAX, PIECE_COUNT_MAX, TOTAL_BYTES_MAX
from torrentd.wire.store import generations
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStamp
from torrentd.wire.store.options import DEFAULTS, TorrentOptions, decode_options, encode_options
from torrentd.wire.store.paths import check_names

VERSION = 1
MAGIC = b"torrentd"
COUNTER_MAX = 2**63 - 1
TEXT_BYTES_MAX = 64 * 1024

_HEAD = struct.Struct(">8sIQQ")
_CHECKSUM_BYTES = 32
_STAMP = struct.Struct(">qq")
_ABSENT = -1  # as a size: no file was there


class StateError(ProtocolError):
    """Not a state file of ours, or not whole."""

    __slots__ = ()


class NewerVersion(StateError):
    """Whole, and not for us to read."""

    __slots__ = ()


class FutureVersion(StoreError):
    """Whole, but written by a newer torrentd. It is left as it is (F14)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a torrent's files are to be, or were."""

    download_dir: str
    names: tuple[str, ...]


@dataclass(slots=True)
class ResumeState:
    """One torrent. `names` are the paths of its files below `download_dir`, "" for padding, fixed
    once and for all when the files were first looked at: with names in it, the files are ours.
    `piece_count` is 0 and `have`, `names`, `stamps` are empty until the metadata is known.
    `added_at`, `done_at` and `paused_at` are wall-clock seconds; `done_at` is later by what it was
    paused since. `pause_reason` is the rule that paused it.
    `moving_to`: some of its files are there already. `moved_from`: some may still be there too.
    `complete_bytes` is the size of what is wanted when all of it is had, else 0: with it a seeder
    is known as one without its metadata."""

    infohash: InfoHash
    name: str
    download_dir: str
    magnet: str = ""
    added_at: int = 0
    paused: bool = False
    select: tuple[int, ...] | None = None
    piece_count: int = 0
    have: bytes = b""
    names: tuple[str, ...] = ()
    stamps: tuple[FileStamp | None, ...] = ()
    downloaded_bytes: int = 0
    uploaded_bytes: int = 0
    complete_bytes: int = 0
    options: TorrentOptions = DEFAULTS
    done_at: int = 0
    paused_at: int = 0
    pause_reason: str = ""
    moving_to: Place | None = None
    moved_from: Place | None = None
    generation: int = 0


@dataclass(slots=True)
class Loaded:
    """What `load` found. `state` is None when nothing is good. `recovered`: the newest generation
    was no good, so that the pieces of this one need a check. `set_aside`: files now named .bad-…"""

    state: ResumeState | None = None
    recovered: bool = False
    set_aside: list[Path] = field(default_factory=list)


def save(path: Path, state: ResumeState) -> None:
    """Make `state` the newest generation and count it in `state.generation`. Blocks until it is on
    stable storage. Raises StoreError; then the generation before is still there (F4)."""
    generation = state.generation + 1
    generations.replace(path, encode_state(replace(state, generation=generation)), keep_old=True)
    state.generation = generation


def load(path: Path) -> Loaded:
    """The newest generation that is whole. What is not whole is renamed, never deleted. Raises
    FutureVersion, or StoreError when the file system does not let us read."""
    loaded = Loaded()
    for candidate in (path, generations.old_path(path)):
        data = generations.read(candidate, STATE_LIMITS.size_bytes_max)
        if data is None:
            continue
        try:
            state = decode_state(data)
        except NewerVersion:
            raise FutureVersion(candidate, "written by a newer version of torrentd") from None
        except ProtocolError:
            loaded.set_aside.append(generations.set_aside(candidate))
            loaded.recovered = True
            continue
        loaded.state = state
        return loaded
    return loaded


def encode_state(state: ResumeState) -> bytes:
    """The whole file."""
    assert state.download_dir.startswith("/")  # never write what we would not read
    assert len(state.have) == (state.piece_count + 7) // 8
    assert len(state.stamps) in (0, len(state.names))
    body = encode(_body(state))
    head = _HEAD.pack(MAGIC, VERSION, state.generation, len(body))
    return head + _checksum(head, body) + body


def decode_state(data: bytes) -> ResumeState:
    """The inverse, for bytes that anything may have happened to. Raises ProtocolError."""
    if len(data) < _HEAD.size + _CHECKSUM_BYTES:
        raise StateError("a state file cut short")
    head = data[: _HEAD.size]
    body = data[_HEAD.size + _CHECKSUM_BYTES :]
    magic, version, generation, length = _HEAD.unpack(head)
    if magic != MAGIC or length != len(body):
        raise StateError("not a whole state file")
    if data[_HEAD.size : _HEAD.size + _CHECKSUM_BYTES] != _checksum(head, body):
        raise StateError("a state file with a wrong checksum")
    if version > VERSION:
        raise NewerVersion("a state file of a newer version")
    state = _state(decode_dict(body, STATE_LIMITS))
    state.generation = min(generation, COUNTER_MAX)
    return state


def _checksum(head: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(head + body, digest_size=_CHECKSUM_BYTES).digest()


def _body(state: ResumeState) -> dict[bytes, Bencoded]:
    body: dict[bytes, Bencoded] = {
        b"added_at": state.added_at,
        b"download_dir": os.fsencode(state.download_dir),
        b"downloaded_bytes": state.downloaded_bytes,
        b"have": state.have,
        b"infohash": state.infohash,
        b"magnet": _text(state.magnet),
        b"name": _text(state.name),
        b"names": [name.encode() for name in state.names],
        b"paused": int(state.paused),
        b"piece_count": state.piece_count,
        b"stamps": b"".join(_STAMP.pack(*(stamp or (_ABSENT, 0))) for stamp in state.stamps),
        b"uploaded_bytes": state.uploaded_bytes,
    }
    if state.select is not None:
        body[b"select"] = list(state.select)
    if state.done_at:
        body[b"done_at"] = state.done_at
    if state.paused_at:
        body[b"paused_at"] = state.paused_at
    for key, place in ((b"moving_to", state.moving_to), (b"moved_from", state.moved_from)):
        if place is not None:
            folder = os.fsencode(place.download_dir)
            body[key] = {b"download_dir": folder, b"names": [n.encode() for n in place.names]}
    if state.pause_reason:
        body[b"pause_reason"] = _text(state.pause_reason)
    if state.complete_bytes:
        body[b"complete_bytes"] = state.complete_bytes
    options = encode_options(state.options)
    if options:
        body[b"options"] = options
    return body


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:TEXT_BYTES_MAX].decode("utf-8", "ignore").encode()


def _state(body: dict[bytes, Bencoded]) -> ResumeState:
    piece_count = _int(body, b"piece_count", PIECE_COUNT_MAX)
    have = _bytes(body, b"have")
    Bitfield.from_bytes(have, piece_count)  # raises for a wrong length and for spare bits
    names = _names(body)
    return ResumeState(
        infohash=InfoHash(_bytes(body, b"infohash")),
        name=_decoded(_bytes(body, b"name", TEXT_BYTES_MAX)),
        download_dir=_download_dir(body),
        magnet=_decoded(_bytes(body, b"magnet", TEXT_BYTES_MAX)),
        added_at=_int(body, b"added_at", COUNTER_MAX),
        paused=bool(_int(body, b"paused", 1)),
        select=_select(body),
        piece_count=piece_count,
        have=have,
        names=names,
        stamps=_stamps(_bytes(body, b"stamps"), len(names)),
        downloaded_bytes=_int(body, b"downloaded_bytes", COUNTER_MAX),
        uploaded_bytes=_int(body, b"uploaded_bytes", COUNTER_MAX),
        complete_bytes=_int(body, b"complete_bytes", TOTAL_BYTES_MAX, absent=0),
        options=_options(body),
        moving_to=_place(body, b"moving_to"),
        moved_from=_place(body, b"moved_from"),
        done_at=_int(body, b"done_at", COUNTER_MAX, absent=0),
        paused_at=_int(body, b"paused_at", COUNTER_MAX, absent=0),
        pause_reason=_decoded(_bytes(body, b"pause_reason", TEXT_BYTES_MAX))
        if b"pause_reason" in body
        else "",
    )


def _int(body: dict[bytes, Bencoded], key: bytes, high: int, absent: int | None = None) -> int:
    value = get_int(body, key, 0, high) if key in body else absent
    if value is None:
        raise StateError("a number in the state file is absent or out of range")
    return value


def _bytes(body: dict[bytes, Bencoded], key: bytes, size_max: int | None = None) -> bytes:
    value = get_bytes(body, key, size_max)
    if value is None:
        raise StateError("a text in the state file is absent or too long")
    return value


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise StateError("a text in the state file is not UTF-8") from None


def _download_dir(body: dict[bytes, Bencoded]) -> str:
    path = os.fsdecode(_bytes(body, b"download_dir", TEXT_BYTES_MAX))
    if not path.startswith("/") or "\0" in path:
        raise StateError("the download folder in the state file is no absolute path")
    return path


def _names(body: dict[bytes, Bencoded]) -> tuple[str, ...]:
    raw = get_list(body, b"names")
    if raw is None or len(raw) > FILE_COUNT_MAX:
        raise StateError("the names in the state file are no list of files")
    names = tuple(_decoded(name) for name in raw if isinstance(name, bytes))
    if len(names) != len(raw):
        raise StateError("a name in the state file is no text")
    try:
        check_names(names)
    except StoreError:
        raise StateError("a name in the state file leads outside") from None
    return names


def _select(body: dict[bytes, Bencoded]) -> tuple[int, ...] | None:
    raw = get_list(body, b"select")
    if raw is None:
        return None
    select = tuple(i for i in raw if isinstance(i, int) and 0 <= i < FILE_COUNT_MAX)
    if len(select) != len(raw) or len(select) > FILE_COUNT_MAX:
        raise StateError("the selection in the state file is no list of files")
    return select


def _place(body: dict[bytes, Bencoded], key: bytes) -> Place | None:
    if key not in body:
        return None
    place = get_dict(body, key)
    if place is None:
        raise StateError("a place in the state file is no dictionary")
    found = Place(_download_dir(place), _names(place))
    if len(found.names) != len(get_list(body, b"names") or ()):
        raise StateError("a place in the state file has other files than the torrent")
    return found


def _options(body: dict[bytes, Bencoded]) -> TorrentOptions:
    if b"options" not in body:
        return DEFAULTS
    options = get_dict(body, b"options")
    if options is None:
        raise StateError("the options in the state file are no dictionary")
    return decode_options(options)


def _stamps(raw: bytes, file_count: int) -> tuple[FileStamp | None, ...]:
    if len(raw) not in (0, file_count * _STAMP.size):
        raise StateError("the stamps in the state file do not match its files")
    stamps = (FileStamp(*fields) for fields in _STAMP.iter_unpack(raw))
    return tuple(stamp if stamp.size_bytes != _ABSENT else None for stamp in stamps)
