"""Torrent files under mutated inputs (BEP 3, 47, 52; T09): MetainfoError, or a torrent whose files,
pieces and paths add up."""

from tests.fuzz.mutate import SHARED, SIZE_MAX, check_parser, shared_seeds
from tests.wire.torrents import assorted, single_file
from torrentd.wire.formats.bencode import METAINFO_LIMITS, decode_dict, encode
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.metainfo import (
    HASH_BYTES,
    TOTAL_BYTES_MAX,
    decode_info,
    decode_metainfo,
    encode_metainfo,
    infohash_of,
)
from torrentd.wire.store.paths import check_names, safe_names


def _seeds() -> list[bytes]:
    hybrid = decode_dict(single_file(b"x" * 100).metadata, METAINFO_LIMITS) | {
        b"file tree": {b"file.bin": {b"": {b"length": 100, b"pieces root": b"r" * 32}}},
        b"meta version": 2,
    }
    torrents = [assorted().metadata, single_file(b"x" * 100).metadata, encode(hybrid)]
    seeds = [encode_metainfo(metadata) for metadata in torrents]
    folder = SHARED / "torrents" / "libtorrent"
    seeds += [path.read_bytes() for path in sorted(folder.glob("*.torrent"))]
    return [seed for seed in seeds if len(seed) <= SIZE_MAX // 4] + shared_seeds("metainfo")


def _metainfo(data: bytes) -> None:
    metainfo = decode_metainfo(data)
    info = metainfo.info
    assert decode_info(metainfo.metadata) == info
    assert metainfo.metadata in data and infohash_of(metainfo.metadata) == metainfo.infohash
    assert 1 <= sum(file.length for file in info.files) == info.total_bytes <= TOTAL_BYTES_MAX
    assert len(info.piece_hashes) == info.geometry.piece_count * HASH_BYTES
    names = safe_names(info, metainfo.infohash)
    check_names(names)
    assert len(names) == len(info.files)


def test_no_torrent_file_raises_anything_else() -> None:
    check_parser(_metainfo, _seeds(), MetainfoError)
