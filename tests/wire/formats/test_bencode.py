"""Bencode (BEP 3), against vectors, a slow decoder, and bencodepy where it is right."""

import time

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.bencode import BOMBS, INVALID, TOKEN_BOMB, UNSORTED, VALID
from tests.wire.formats.slow_bencode import slow_decode
from torrentd.wire.formats import bencode
from torrentd.wire.formats.bencode import (
    EXTENSION_LIMITS,
    KRPC_LIMITS,
    METAINFO_LIMITS,
    STATE_LIMITS,
    Bencoded,
    Limits,
)
from torrentd.wire.formats.errors import BencodeError
from torrentd.wire.formats.ids import InfoHash

ALL_LIMITS = [KRPC_LIMITS, EXTENSION_LIMITS, METAINFO_LIMITS, STATE_LIMITS]

int64 = st.integers(-(2**63), 2**63 - 1)
values: st.SearchStrategy[Bencoded] = st.recursive(
    int64 | st.binary(max_size=120),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=12), inner),
    max_leaves=12,
)
alphabet = [
    b"d",
    b"l",
    b"e",
    b"i",
    b"i0e",
    b"i-1e",
    b"0:",
    b"1:a",
    b"2:ab",
    b"3:",
    b"-",
    b"01",
    b":",
]
nearly_bencode = st.lists(st.sampled_from(alphabet), max_size=16).map(b"".join)


@pytest.mark.parametrize(("data", "value"), VALID)
def test_a_valid_vector_decodes_and_encodes_back(data: bytes, value: Bencoded) -> None:
    for limits in ALL_LIMITS:
        assert bencode.decode(data, limits) == value
    assert bencode.encode(value) == data


@pytest.mark.parametrize(("data", "value"), UNSORTED)
def test_keys_out_of_order_are_taken_and_encode_in_order(data: bytes, value: Bencoded) -> None:
    decoded = bencode.decode(data, KRPC_LIMITS)
    assert decoded == value
    assert bencode.decode(bencode.encode(decoded), KRPC_LIMITS) == value
    assert bencode.encode(decoded) != data


@pytest.mark.parametrize("data", INVALID, ids=repr)
def test_an_invalid_vector_is_refused_everywhere(data: bytes) -> None:
    for limits in ALL_LIMITS:
        with pytest.raises(BencodeError):
            bencode.decode(data, limits)
    with pytest.raises(ValueError):
        slow_decode(data, METAINFO_LIMITS)


@pytest.mark.parametrize(("data", "value"), VALID)
def test_a_vector_cut_anywhere_is_refused(data: bytes, value: Bencoded) -> None:
    for end in range(len(data)):
        with pytest.raises(BencodeError):
            bencode.decode(data[:end], METAINFO_LIMITS)


@pytest.mark.parametrize(("name", "data"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb_is_refused_at_once(name: str, data: bytes) -> None:
    started_s = time.process_time()
    for limits in ALL_LIMITS:
        with pytest.raises(BencodeError):
            bencode.decode(data, limits)
    assert time.process_time() - started_s < 0.05


class TestLimits:
    def test_tokens_are_counted_while_decoding_keys_included(self) -> None:
        with pytest.raises(BencodeError, match="tokens"):
            bencode.decode(TOKEN_BOMB, EXTENSION_LIMITS)
        data = b"d1:ali1ei2ee1:b0:e"  # d, two keys, a list of two, a string
        assert bencode.decode(data, Limits(100, 3, 7)) == {b"a": [1, 2], b"b": b""}
        with pytest.raises(BencodeError, match="tokens"):
            bencode.decode(data, Limits(100, 3, 6))

    def test_the_items_of_lists_are_counted_to_the_last(self) -> None:
        for data, tokens in ((b"l0:0:i1ee", 4), (b"llelee", 3), (b"lli1ei2ei3eee", 5)):
            bencode.decode(data, Limits(100, 3, tokens))
            with pytest.raises(BencodeError, match="tokens"):
                bencode.decode(data, Limits(100, 3, tokens - 1))

    def test_each_format_has_the_limits_of_the_design(self) -> None:
        """A larger one is an attack's budget, a smaller one refuses real torrents."""
        assert (KRPC_LIMITS.size_bytes_max, KRPC_LIMITS.tokens_max) == (2048, 400)
        assert (EXTENSION_LIMITS.size_bytes_max, EXTENSION_LIMITS.tokens_max) == (65536, 1000)
        assert (METAINFO_LIMITS.size_bytes_max, METAINFO_LIMITS.tokens_max) == (2**25, 2_000_000)
        depths = [limits.depth_max for limits in (KRPC_LIMITS, EXTENSION_LIMITS, METAINFO_LIMITS)]
        assert depths == [8, 8, 100]

    def test_depth_counts_the_outermost_container_as_one(self) -> None:
        for wrap, end in ((b"l", b"e"), (b"d0:", b"e")):
            for depth in range(1, 12):
                data = wrap * depth + b"i0e" + end * depth
                bencode.decode(data, Limits(100, depth, 100))
                with pytest.raises(BencodeError, match="deeper"):
                    bencode.decode(data, Limits(100, depth - 1, 100))

    def test_a_datagram_of_2048_bytes_is_the_largest(self) -> None:
        largest = b"2043:" + b"x" * 2043
        assert bencode.decode(largest, KRPC_LIMITS) == b"x" * 2043
        with pytest.raises(BencodeError, match="larger"):
            bencode.decode(b"2044:" + b"x" * 2044, KRPC_LIMITS)

    def test_metainfo_nests_a_hundred_deep_without_a_recursion_error(self) -> None:
        bencode.decode(b"l" * 100 + b"e" * 100, METAINFO_LIMITS)
        with pytest.raises(BencodeError):
            bencode.decode(b"l" * 101 + b"e" * 101, METAINFO_LIMITS)

    def test_a_million_tokens_are_refused_in_time_linear_in_the_limit(self) -> None:
        data = b"l" + b"0:" * 1_000_000 + b"e"
        started_s = time.process_time()
        with pytest.raises(BencodeError):
            bencode.decode(data, Limits(len(data), 8, 1000))
        assert time.process_time() - started_s < 0.05


@given(values)
def test_what_was_encoded_decodes_to_itself_and_is_what_bencodepy_writes(value: Bencoded) -> None:
    data = bencode.encode(value)
    assert bencode.decode(data, METAINFO_LIMITS) == value
    assert data == bencodepy.encode(value)
    assert bencodepy.decode(data) == value


@given(values)
def test_encoding_does_not_depend_on_the_order_of_insertion(value: Bencoded) -> None:
    assert bencode.encode(_reversed(value)) == bencode.encode(value)


def _reversed(value: Bencoded) -> Bencoded:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(nearly_bencode, st.integers(1, 4), st.integers(1, 8))
def test_the_slow_decoder_agrees(data: bytes, depth_max: int, tokens_max: int) -> None:
    limits = Limits(1000, depth_max, tokens_max)
    assert _outcome(data, limits) == _slow_outcome(data, limits)


@given(values, st.integers(0, 300), st.integers(0, 255))
def test_the_slow_decoder_agrees_about_one_wrong_byte(value: Bencoded, at: int, byte: int) -> None:
    data = bytearray(bencode.encode(value))
    data[at % len(data)] = byte
    assert _outcome(bytes(data), METAINFO_LIMITS) == _slow_outcome(bytes(data), METAINFO_LIMITS)


def _outcome(data: bytes, limits: Limits) -> list[Bencoded]:
    try:
        return [bencode.decode(data, limits)]
    except BencodeError:
        return []


def _slow_outcome(data: bytes, limits: Limits) -> list[Bencoded]:
    try:
        return [slow_decode(data, limits)]
    except ValueError:
        return []


class TestPrefixAndSpan:
    @given(st.dictionaries(st.binary(max_size=5), values, max_size=4), st.binary(max_size=30))
    def test_a_prefix_ends_where_its_dictionary_ends(
        self, d: dict[bytes, Bencoded], payload: bytes
    ) -> None:
        data = bencode.encode(d)
        assert bencode.decode_prefix(data + payload, METAINFO_LIMITS) == (d, len(data))

    @given(st.dictionaries(st.sampled_from([b"info", b"a", b"z"]), values))
    def test_a_span_is_the_bytes_of_the_value_as_they_came(self, d: dict[bytes, Bencoded]) -> None:
        data = bencode.encode(d)
        decoded, span = bencode.decode_with_span(data, METAINFO_LIMITS, b"info")
        assert decoded == d
        raw = None if span is None else data[slice(*span)]
        assert raw == (bencode.encode(d[b"info"]) if b"info" in d else None)

    def test_a_span_keeps_what_a_re_encoding_would_sort(self) -> None:
        data = b"d4:infod1:b0:1:a0:ee"
        assert bencode.decode_with_span(data, METAINFO_LIMITS, b"info")[1] == (7, 19)
        assert data[7:19] == b"d1:b0:1:a0:e"

    def test_an_inner_key_of_the_same_name_is_not_the_span(self) -> None:
        data = b"d1:ad4:infoi1ee4:infoi2e1:zd4:infoi3eee"
        _, span = bencode.decode_with_span(data, METAINFO_LIMITS, b"info")
        assert span is not None and data[slice(*span)] == b"i2e"
        assert bencode.decode_with_span(b"d1:ad4:infoi1eee", METAINFO_LIMITS, b"info")[1] is None

    @pytest.mark.parametrize("data", [b"i1e", b"le", b"0:", b"l4:infoi1ee"])
    def test_only_a_dictionary_is_a_dictionary(self, data: bytes) -> None:
        for decode in (bencode.decode_dict, bencode.decode_prefix):
            with pytest.raises(BencodeError, match="not a bencoded dictionary"):
                decode(data, METAINFO_LIMITS)
        with pytest.raises(BencodeError, match="not a bencoded dictionary"):
            bencode.decode_with_span(data, METAINFO_LIMITS, b"info")

    def test_bytes_behind_a_dictionary_are_refused(self) -> None:
        with pytest.raises(BencodeError, match="behind"):
            bencode.decode_dict(b"dee", METAINFO_LIMITS)
        with pytest.raises(BencodeError, match="behind"):
            bencode.decode_with_span(b"de\n", METAINFO_LIMITS, b"info")


class TestEncode:
    @pytest.mark.parametrize(
        "value", [None, 1.5, "text", True, False, (1,), bytearray(b"a"), {"a": 1}, {1: 1}, [None]]
    )
    def test_what_bencode_has_not_is_a_type_error(self, value: Bencoded) -> None:
        with pytest.raises(TypeError):
            bencode.encode(value)

    def test_ids_are_strings(self) -> None:
        assert bencode.encode({b"id": InfoHash(b"x" * 20)}) == b"d2:id20:" + b"x" * 20 + b"e"


class TestTypedExtraction:
    d: dict[bytes, Bencoded] = {b"i": 5, b"s": b"abc", b"l": [1], b"d": {b"": 0}}  # noqa: RUF012 (never changed)

    def test_the_right_type_in_range_is_found(self) -> None:
        assert bencode.get_int(self.d, b"i", 5, 5) == 5
        assert bencode.get_bytes(self.d, b"s", 3) == b"abc"
        assert bencode.get_bytes(self.d, b"s") == b"abc"
        assert bencode.get_list(self.d, b"l") == [1]
        assert bencode.get_dict(self.d, b"d") == {b"": 0}

    def test_out_of_range_is_absent(self) -> None:
        assert bencode.get_int(self.d, b"i", 6, 9) is None
        assert bencode.get_int(self.d, b"i", 0, 4) is None
        assert bencode.get_bytes(self.d, b"s", 2) is None

    def test_another_type_is_absent(self) -> None:
        assert [k for k in (*self.d, b"none") if bencode.get_int(self.d, k, 0, 9) is not None] == [
            b"i"
        ]
        assert [k for k in (*self.d, b"none") if bencode.get_bytes(self.d, k) is not None] == [b"s"]
        assert [k for k in (*self.d, b"none") if bencode.get_list(self.d, k) is not None] == [b"l"]
        assert [k for k in (*self.d, b"none") if bencode.get_dict(self.d, k) is not None] == [b"d"]
