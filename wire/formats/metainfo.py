"""Torrent files and the info dictionary (BEP 3, 27, 47, 52).

The infohash is taken over the bytes as they came, never over a re-encoding. Everything here was
chosen by a stranger: sizes and counts are checked before anyone multiplies with them, paths stay
raw until `wire.store.paths` makes names of them. Version 1 and hybrids (as version 1) are taken.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from torrentd.wire.formats.address import Address, parse_address
from torrentd.wire.formats.bencode import (
    METAINFO_LIMITS,
    Bencoded,
    decode_dict,
    decode_with_span,
)
from torrentd.wire.formats.errors import BencodeError, MetainfoError, ProtocolError
from torrentd.wire.formats.file_tree import check_file_tree
from torrentd.wire.formats.geometry import Geometry
from torrentd.wire.formats.ids import InfoHash

METADATA_BYTES_MAX = METAINFO_LIMITS.size_bytes_max
HASH_BYTES = 20
PIECE_LENGTH_MAX = 1 << 29  # 512 MiB; the largest that other clients make
PIECE_COUNT_MAX = 1 << 21  # a bitfield of 256 KiB, the longest message we read
FILE_COUNT_MAX = 200_000  # each costs an inode of ours
FILE_BYTES_MAX = (1 << 48) - 1
TOTAL_BYTES_MAX = 1 << 50
PATH_DEPTH_MAX = 64
NODES_MAX = 16  # bootstrap hints, not a list of targets
WEB_SEEDS_MAX = 16
URL_BYTES_MAX = 2048
BITCOMET_PADDING = b"_____padding_file_"  # from before BEP 47: told by its name alone

NO_METAINFO = "this is not a torrent file"
PRIVATE = (
    "the torrent is private: it forbids DHT and peer exchange (BEP 27), and a trackerless client "
    "has no other way to find peers"
)
V2_ONLY = (
    "the torrent is of version 2 only (BEP 52), which is not supported yet; "
    "version 1 and hybrid torrents are"
)

Dict = dict[bytes, Bencoded]


class FileEntry(NamedTuple):
    """One file of a torrent. `path` is raw: the components below the torrent's root folder, or the
    name alone where a single file is the whole torrent. `pad` files are zeros and never on disk
    (BEP 47); a `symlink` has no bytes and is never made."""

    path: tuple[bytes, ...]
    length: int
    offset_bytes: int
    pad: bool
    symlink: bool = False


@dataclass(frozen=True, slots=True)
class Info:
    """A checked info dictionary. `files` lie end to end in order, and cover `total_bytes`."""

    name: bytes
    piece_length: int
    piece_hashes: bytes
    files: tuple[FileEntry, ...]
    total_bytes: int
    multi_file: bool
    geometry: Geometry

    def piece_hash(self, piece_index: int) -> bytes:
        """SHA-1 that the piece must have."""
        start = piece_index * HASH_BYTES
        return self.piece_hashes[start : start + HASH_BYTES]


@dataclass(frozen=True, slots=True)
class Metainfo:
    """A torrent file. Its trackers are not even read; `nodes` have not met the address policy."""

    infohash: InfoHash
    info: Info
    metadata: bytes
    nodes: tuple[Address, ...]
    web_seeds: tuple[str, ...]


def decode_metainfo(data: bytes) -> Metainfo:
    """A whole torrent file; nothing but line ends may follow it. Raises MetainfoError."""
    body = data.rstrip(b"\r\n") if data[-1:] in (b"\r", b"\n") else data
    try:
        top, span = decode_with_span(body, METAINFO_LIMITS, b"info")
    except BencodeError as error:
        raise MetainfoError(f"{NO_METAINFO}: {error.reason}") from None
    info = top.get(b"info")
    if span is None or not isinstance(info, dict):
        raise MetainfoError(f"{NO_METAINFO}: it has no info dictionary")
    metadata = body[span[0] : span[1]]
    return Metainfo(
        infohash=infohash_of(metadata),
        info=_info(info),
        metadata=metadata,
        nodes=_nodes(top.get(b"nodes")),
        web_seeds=_web_seeds(top.get(b"url-list")),
    )


def decode_info(metadata: bytes) -> Info:
    """The info dictionary alone, as peers hand it out (BEP 9). Raises MetainfoError."""
    try:
        return _info(decode_dict(metadata, METAINFO_LIMITS))
    except BencodeError as error:
        raise MetainfoError(f"the metadata is not a dictionary: {error.reason}") from None


def encode_metainfo(metadata: bytes) -> bytes:
    """The smallest torrent file of this info dictionary."""
    return b"d4:info" + metadata + b"e"


def infohash_of(metadata: bytes) -> InfoHash:
    """SHA-1 of the info dictionary's exact bytes."""
    return InfoHash(hashlib.sha1(metadata, usedforsecurity=False).digest())


def _info(info: Dict) -> Info:
    # BEP 27: "private=1"; a value of another type is a tracker's slip, not a permission
    if info.get(b"private", 0) not in (0, b"", b"0"):
        raise MetainfoError(PRIVATE)
    if b"pieces" not in info and (b"file tree" in info or b"meta version" in info):
        raise MetainfoError(V2_ONLY)
    name = _name(info)
    piece_length = info.get(b"piece length")
    if not isinstance(piece_length, int) or not 1 <= piece_length <= PIECE_LENGTH_MAX:
        raise MetainfoError(f"the torrent's piece length is not 1 to {PIECE_LENGTH_MAX} bytes")
    file_list = info.get(b"files")
    if file_list is None:
        files: tuple[FileEntry, ...] = (FileEntry((name,), _length(info), 0, pad=False),)
    else:
        files = _files(file_list)
    total_bytes = files[-1].offset_bytes + files[-1].length
    geometry = _geometry(piece_length, total_bytes)
    piece_hashes = _piece_hashes(info, geometry.piece_count)
    made = Info(
        name, piece_length, piece_hashes, files, total_bytes, file_list is not None, geometry
    )
    if b"file tree" in info:
        _check_hybrid(made, info[b"file tree"])
    return made


def _name(info: Dict) -> bytes:
    # an old habit: `name` in the maker's code page, and `name.utf-8` beside it
    better = info.get(b"name.utf-8")
    name = better if isinstance(better, bytes) and _is_utf8(better) else info.get(b"name")
    if not isinstance(name, bytes):
        raise MetainfoError("the torrent has no name")
    return name


def _path(entry: Dict) -> tuple[bytes, ...] | None:
    better = entry.get(b"path.utf-8")
    if isinstance(better, list) and all(isinstance(p, bytes) and _is_utf8(p) for p in better):
        path: Bencoded | None = better
    else:
        path = entry.get(b"path")
    if path is None:
        return None
    if not isinstance(path, list) or not 1 <= len(path) <= PATH_DEPTH_MAX:
        raise MetainfoError(f"a file's path is not a list of 1 to {PATH_DEPTH_MAX} names")
    components = tuple(part for part in path if isinstance(part, bytes))
    if len(components) != len(path):
        raise MetainfoError("a file's path holds something that is not a name")
    return components


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _length(entry: Dict) -> int:
    length = entry.get(b"length")
    if not isinstance(length, int) or not 0 <= length <= FILE_BYTES_MAX:
        raise MetainfoError(f"a file's length is not 0 to {FILE_BYTES_MAX} bytes")
    return length


def _files(file_list: Bencoded) -> tuple[FileEntry, ...]:
    if not isinstance(file_list, list) or not 1 <= len(file_list) <= FILE_COUNT_MAX:
        raise MetainfoError(f"the torrent's list of files is not 1 to {FILE_COUNT_MAX} files")
    files = []
    offset_bytes = 0
    for entry in file_list:
        if not isinstance(entry, dict):
            raise MetainfoError("an entry in the list of files is not a dictionary")
        file = _file(entry, offset_bytes)
        files.append(file)
        offset_bytes += file.length
    return tuple(files)


def _file(entry: Dict, offset_bytes: int) -> FileEntry:
    attr = entry.get(b"attr")
    flags = attr if isinstance(attr, bytes) else b""
    path = _path(entry)
    if path is None:
        if b"p" not in flags:
            raise MetainfoError("a file has no path")
        path = (b".pad",)
    if b"l" in flags:  # BEP 47: the link's target is a path, so the link itself has no bytes
        return FileEntry(path, 0, offset_bytes, pad=False, symlink=True)
    pad = b"p" in flags or path[-1].startswith(BITCOMET_PADDING)
    return FileEntry(path, _length(entry), offset_bytes, pad)


def _geometry(piece_length: int, total_bytes: int) -> Geometry:
    if not 1 <= total_bytes <= TOTAL_BYTES_MAX:
        raise MetainfoError(f"the torrent's size is not 1 to {TOTAL_BYTES_MAX} bytes")
    geometry = Geometry(piece_length, total_bytes)
    if geometry.piece_count > PIECE_COUNT_MAX:
        raise MetainfoError(f"the torrent has more than {PIECE_COUNT_MAX} pieces")
    return geometry


def _piece_hashes(info: Dict, piece_count: int) -> bytes:
    piece_hashes = info.get(b"pieces")
    if not isinstance(piece_hashes, bytes) or len(piece_hashes) != piece_count * HASH_BYTES:
        raise MetainfoError("the torrent's piece hashes do not match its size")
    return piece_hashes


def _check_hybrid(info: Info, file_tree: Bencoded) -> None:
    # Someone who takes version 2 would see this tree: both must describe the same files (P12).
    listed = []
    for file in info.files:
        if file.pad:
            continue
        if file.length and file.offset_bytes % info.piece_length:
            raise MetainfoError("the hybrid torrent's files do not begin at piece boundaries")
        listed.append((file.path, file.length))
    check_file_tree(file_tree, listed)


def _nodes(value: "Bencoded | None") -> tuple[Address, ...]:
    # BEP 5: "nodes" = [["<host>", <port>], …]; names of hosts are never looked up
    nodes: dict[Address, None] = {}
    for pair in value[:NODES_MAX] if isinstance(value, list) else []:
        match pair:
            case [bytes(host), int(port)]:
                text = host.decode("ascii", "replace")
                literal = f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
                try:
                    nodes[parse_address(literal)] = None
                except ProtocolError:
                    continue
    return tuple(nodes)


def _web_seeds(value: "Bencoded | None") -> tuple[str, ...]:
    # BEP 19: one URL or a list of them
    urls: dict[str, None] = {}
    for url in value[:WEB_SEEDS_MAX] if isinstance(value, list) else [value]:
        if isinstance(url, bytes) and len(url) <= URL_BYTES_MAX and url.isascii():
            text = url.decode("ascii").strip()
            if text.lower().startswith(("http://", "https://")) and text.isprintable():
                urls[text] = None
    return tuple(urls)
