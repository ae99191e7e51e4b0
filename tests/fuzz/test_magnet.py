"""Magnets under mutated inputs (BEP 9, 53; T04): MagnetError, or a magnet within its limits that
can be written and read again."""

import pytest

from tests.fuzz.mutate import check_parser, shared_seeds
from tests.vectors.magnets import INVALID, VALID
from torrentd.wire.formats.errors import MagnetError
from torrentd.wire.formats.magnet import (
    PEERS_MAX,
    WEB_SEEDS_MAX,
    decode_magnet,
    encode_magnet,
)

SEEDS = [uri.encode() for uri, *_ in VALID] + [uri.encode() for uri, _ in INVALID]
SEEDS += [SEEDS[0] + b"&so=0,2,4-8&ws=http%3A%2F%2Fa.example%2F", b"cd" * 20, b"a" * 32]


INDEX_MAX = 999  # spelling out ranges of 200,000 files would be all that the test does


def _magnet(data: bytes) -> None:
    magnet = decode_magnet(data.decode("utf-8", "surrogateescape"))
    assert len(magnet.infohash) == 20
    assert len(magnet.peers) <= PEERS_MAX and len(magnet.web_seeds) <= WEB_SEEDS_MAX
    assert magnet.select is None or (magnet.select and magnet.select[-1] <= INDEX_MAX)
    assert decode_magnet(encode_magnet(magnet)) == magnet


def test_no_magnet_raises_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torrentd.wire.formats.magnet.SELECT_INDEX_MAX", INDEX_MAX)
    check_parser(_magnet, SEEDS + shared_seeds("magnet"), MagnetError)
