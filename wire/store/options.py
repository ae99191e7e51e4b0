"""What a user wants of one torrent, beside the files selected; on its record. No BEP applies.

Every key of the dictionary is optional and a default is never written, so that the records of
older daemons load, and those of newer ones too: keys that are not known are left aside.
"""

import os
from dataclasses import dataclass

from torrentd.wire.formats.bencode import Bencoded, get_int, get_list
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.metainfo import FILE_COUNT_MAX

LABELS_MAX = 50
RULES_MAX = 20
PATTERNS_MAX = 100
TEXT_BYTES_MAX = 1024  # a label, a rule, a name
FOLDER_BYTES_MAX = 64 * 1024
RATE_BYTES_PER_S_MAX = 2**40
POSITION_MAX = 2**40


class OptionsError(ProtocolError):
    """Options in a state file that we would not have written."""

    __slots__ = ()


@dataclass(slots=True, frozen=True)
class TorrentOptions:
    """Rates are in bytes a second, 0: no limit of its own. `high` and `low` are file indices,
    ascending, no file in both. `rules` None: those of the configuration. `position` orders the
    queue, the smallest first; several may share one. `forced`: started whatever the queue says.
    `final_dir` is where it goes when it is done; "": it is there. `patterns` name the files wanted,
    until the metadata tells which those are. `name` is what people call it; "": as the metadata
    does."""

    labels: tuple[str, ...] = ()
    name: str = ""
    high: tuple[int, ...] = ()
    low: tuple[int, ...] = ()
    sequential: bool = False
    super_seeding: bool = False
    download_bytes_per_s_max: int = 0
    upload_bytes_per_s_max: int = 0
    rules: tuple[str, ...] | None = None
    position: int = 0
    forced: bool = False
    patterns: tuple[str, ...] = ()
    final_dir: str = ""


DEFAULTS = TorrentOptions()


def encode_options(options: TorrentOptions) -> dict[bytes, Bencoded]:
    """Whatever is not as by default."""
    body: dict[bytes, Bencoded] = {
        b"download_bytes_per_s_max": options.download_bytes_per_s_max,
        b"final_dir": os.fsencode(options.final_dir),
        b"forced": int(options.forced),
        b"high": list(options.high),
        b"labels": [label.encode() for label in options.labels],
        b"low": list(options.low),
        b"name": options.name.encode(),
        b"patterns": [pattern.encode() for pattern in options.patterns],
        b"position": options.position,
        b"sequential": int(options.sequential),
        b"super_seeding": int(options.super_seeding),
        b"upload_bytes_per_s_max": options.upload_bytes_per_s_max,
    }
    kept = {key: value for key, value in body.items() if value}
    if options.rules is not None:
        kept[b"rules"] = [rule.encode() for rule in options.rules]
    return kept


def decode_options(body: dict[bytes, Bencoded]) -> TorrentOptions:
    """The inverse. Raises ProtocolError."""
    high, low = _files(body, b"high"), _files(body, b"low")
    if set(high) & set(low):
        raise OptionsError("a file in the state file has two priorities")
    return TorrentOptions(
        labels=_texts(body, b"labels", LABELS_MAX) or (),
        name=_text(body.get(b"name", b"")),
        high=high,
        low=low,
        sequential=bool(_int(body, b"sequential", 0, 1)),
        super_seeding=bool(_int(body, b"super_seeding", 0, 1)),
        download_bytes_per_s_max=_int(body, b"download_bytes_per_s_max", 0, RATE_BYTES_PER_S_MAX),
        upload_bytes_per_s_max=_int(body, b"upload_bytes_per_s_max", 0, RATE_BYTES_PER_S_MAX),
        rules=_texts(body, b"rules", RULES_MAX),
        position=_int(body, b"position", -POSITION_MAX, POSITION_MAX),
        forced=bool(_int(body, b"forced", 0, 1)),
        patterns=_texts(body, b"patterns", PATTERNS_MAX) or (),
        final_dir=_folder(body.get(b"final_dir", b"")),
    )


def _int(body: dict[bytes, Bencoded], key: bytes, low: int, high: int) -> int:
    value = get_int(body, key, low, high)
    if value is None and key in body:
        raise OptionsError("a number in the options of a state file is out of range")
    return value or 0


def _texts(body: dict[bytes, Bencoded], key: bytes, count_max: int) -> tuple[str, ...] | None:
    raw = get_list(body, key)
    if raw is None:
        if key in body:
            raise OptionsError("texts in the options of a state file are no list")
        return None
    if len(raw) > count_max:
        raise OptionsError("too many texts in the options of a state file")
    return tuple(_text(each) for each in raw)


def _text(raw: Bencoded) -> str:
    if not isinstance(raw, bytes) or len(raw) > TEXT_BYTES_MAX:
        raise OptionsError("a text in the options of a state file is none, or too long")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise OptionsError("a text in the options of a state file is not UTF-8") from None


def _folder(raw: Bencoded) -> str:
    if not isinstance(raw, bytes) or len(raw) > FOLDER_BYTES_MAX:
        raise OptionsError("a folder in the options of a state file is none, or too long")
    folder = os.fsdecode(raw)
    if folder and (not folder.startswith("/") or "\0" in folder):
        raise OptionsError("a folder in the options of a state file is no absolute path")
    return folder


def _files(body: dict[bytes, Bencoded], key: bytes) -> tuple[int, ...]:
    raw = get_list(body, key) if key in body else []
    if raw is None:
        raise OptionsError("priorities in the state file are no list")
    files = tuple(i for i in raw if isinstance(i, int) and 0 <= i < FILE_COUNT_MAX)
    if len(files) != len(raw) or len(files) > FILE_COUNT_MAX or list(files) != sorted(set(files)):
        raise OptionsError("priorities in the state file are no ascending list of files")
    return files
