"""Bencode (BEP 3) under mutated inputs: BencodeError or a value, and the value the oracle gives."""

from tests.fuzz.mutate import check_parser, shared_seeds
from tests.vectors.bencode import BOMBS, INVALID, TOKEN_BOMB, UNSORTED, VALID
from tests.wire.formats.slow_bencode import slow_decode
from torrentd.wire.formats import bencode
from torrentd.wire.formats.bencode import KRPC_LIMITS, METAINFO_LIMITS
from torrentd.wire.formats.errors import BencodeError

SEEDS = [data for data, _ in VALID + UNSORTED] + INVALID + [TOKEN_BOMB[:400]]
SEEDS += [data[:400] for _, data in BOMBS]


def _decode_as_the_oracle(data: bytes) -> None:
    try:
        value = bencode.decode(data, KRPC_LIMITS)
    except BencodeError:
        try:
            slow_decode(data[: KRPC_LIMITS.size_bytes_max + 1], KRPC_LIMITS)
        except ValueError:
            raise BencodeError("both refuse") from None
        assert len(data) > KRPC_LIMITS.size_bytes_max
        raise
    assert value == slow_decode(data, KRPC_LIMITS)
    assert bencode.decode(bencode.encode(value), KRPC_LIMITS) == value


def test_the_fast_decoder_and_the_slow_one_agree_about_every_input() -> None:
    check_parser(_decode_as_the_oracle, SEEDS + shared_seeds("bencode") + shared_seeds("krpc"))


def _decode_a_prefix(data: bytes) -> None:
    value, end = bencode.decode_prefix(data, METAINFO_LIMITS)
    assert bencode.decode_dict(data[:end], METAINFO_LIMITS) == value
    whole, span = bencode.decode_with_span(data[:end], METAINFO_LIMITS, b"a")
    assert whole == value
    assert (span is None) == (b"a" not in value)
    if span is not None:
        assert bencode.decode(data[slice(*span)], METAINFO_LIMITS) == value[b"a"]


def test_prefixes_and_spans_are_what_a_whole_decode_says() -> None:
    seeds = [data + tail for data, _ in VALID + UNSORTED for tail in (b"", b"payload")]
    check_parser(_decode_a_prefix, seeds, BencodeError)
