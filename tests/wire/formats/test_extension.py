"""The extension handshake (BEP 10), and whatever a stranger may put into it (W11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.extension import BEP10_HANDSHAKE, METADATA_HANDSHAKE, METADATA_SIZES_REFUSED
from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.extension import (
    OUR_MESSAGE_IDS,
    ExtensionHandshake,
    decode_extension_handshake,
    encode_extension_handshake,
    printable,
)

handshakes = st.builds(
    ExtensionHandshake,
    message_ids=st.dictionaries(st.sampled_from(["ut_pex", "ut_metadata"]), st.integers(0, 255)),
    metadata_size=st.none() | st.integers(1, 32 * 1024**2),
    reqq=st.none() | st.integers(1, 2000),
    client=st.none() | st.just("torrentd 0.1.0"),
    listen_port=st.none() | st.integers(1, 65535),
    your_host=st.none() | st.sampled_from(["1.2.3.4", "2600::1"]),
    upload_only=st.none() | st.booleans(),
)


def _decode(d: dict[bytes, Bencoded]) -> ExtensionHandshake:
    return decode_extension_handshake(encode(d))


def test_the_example_of_bep_10_is_read_though_a_key_is_no_utf_8() -> None:
    assert decode_extension_handshake(BEP10_HANDSHAKE) == ExtensionHandshake(
        message_ids={"LT_metadata": 1}, listen_port=6881, client="\xb5Torrent 1.2"
    )


def test_the_example_of_bep_9_names_a_size() -> None:
    assert decode_extension_handshake(METADATA_HANDSHAKE) == ExtensionHandshake(
        message_ids={"ut_metadata": 3}, metadata_size=31235
    )


def test_upload_only_is_told_as_1_and_taken_back_by_0() -> None:
    assert encode_extension_handshake(ExtensionHandshake(upload_only=True)) == (
        b"d1:mde11:upload_onlyi1ee"
    )
    assert encode_extension_handshake(ExtensionHandshake(upload_only=False)) == (
        b"d1:mde11:upload_onlyi0ee"
    )
    assert encode_extension_handshake(ExtensionHandshake()) == b"d1:mdee"


@given(handshakes)
def test_a_handshake_survives_the_wire(handshake: ExtensionHandshake) -> None:
    assert decode_extension_handshake(encode_extension_handshake(handshake)) == handshake


def test_our_own_ids_are_distinct_and_not_the_handshakes() -> None:
    assert len(set(OUR_MESSAGE_IDS.values()) - {0}) == len(OUR_MESSAGE_IDS)


@pytest.mark.parametrize("payload", [b"", b"le", b"i1e", b"de ", b"d1:m", b"d1:ade1:adee"])
def test_what_is_not_one_dictionary_is_an_extension_error(payload: bytes) -> None:
    with pytest.raises(ExtensionError, match="extension handshake"):
        decode_extension_handshake(payload)


class TestClaims:
    @pytest.mark.parametrize("size", METADATA_SIZES_REFUSED)
    def test_a_metadata_size_there_cannot_be_counts_as_none(self, size: int) -> None:
        assert _decode({b"metadata_size": size}).metadata_size is None

    @pytest.mark.parametrize("size", [1, 32 * 1024**2])
    def test_the_least_and_the_largest_metadata_are_believed(self, size: int) -> None:
        assert _decode({b"metadata_size": size}).metadata_size == size

    @pytest.mark.parametrize(
        ("reqq", "kept"), [(-(2**63), 1), (0, 1), (1, 1), (250, 250), (2**63 - 1, 2000)]
    )
    def test_reqq_is_clamped(self, reqq: int, kept: int) -> None:
        assert _decode({b"reqq": reqq}).reqq == kept

    @pytest.mark.parametrize("port", [-1, 0, 65536, 2**63 - 1])
    def test_a_listen_port_out_of_range_counts_as_none(self, port: int) -> None:
        assert _decode({b"p": port}).listen_port is None

    @pytest.mark.parametrize("raw", [b"", b"abc", b"abcde", bytes(17)])
    def test_an_address_of_another_length_counts_as_none(self, raw: bytes) -> None:
        assert _decode({b"yourip": raw}).your_host is None

    @pytest.mark.parametrize(("value", "kept"), [(0, False), (1, True), (2, True), (-1, None)])
    def test_upload_only_is_any_positive_integer(self, value: int, kept: bool | None) -> None:
        assert _decode({b"upload_only": value}).upload_only is kept

    @pytest.mark.parametrize("value", [1, b"x", [b"x"], {b"x": 1}], ids=repr)
    def test_a_value_of_the_wrong_type_counts_as_absent(self, value: Bencoded) -> None:
        right_types: dict[bytes, type] = {
            b"m": dict,
            b"metadata_size": int,
            b"reqq": int,
            b"v": bytes,
            b"p": int,
            b"yourip": bytes,
            b"upload_only": int,
        }
        wrong = {key: value for key, kind in right_types.items() if not isinstance(value, kind)}
        assert _decode(wrong) == ExtensionHandshake()


class TestNames:
    def test_0_turns_a_message_off_and_is_told(self) -> None:
        assert _decode({b"m": {b"ut_pex": 0}}).message_ids == {"ut_pex": 0}

    def test_ids_that_fit_no_byte_and_names_that_are_no_name_are_left_out(self) -> None:
        m: dict[bytes, Bencoded] = {b"a": 256, b"b": -1, b"c": b"1", b"n" * 33: 1, b"\xb5": 1}
        assert _decode({b"m": {**m, b"ut_pex": 255}}).message_ids == {"ut_pex": 255}

    def test_a_name_of_32_characters_is_a_name(self) -> None:
        assert _decode({b"m": {b"n" * 32: 1}}).message_ids == {"n" * 32: 1}

    def test_no_more_than_64_names_are_kept(self) -> None:
        m: dict[bytes, Bencoded] = {b"name%d" % i: i for i in range(200)}
        assert len(_decode({b"m": m}).message_ids) == 64

    def test_a_hundred_thousand_names_are_refused(self) -> None:
        m: dict[bytes, Bencoded] = {b"%d" % i: 1 for i in range(100_000)}
        with pytest.raises(ExtensionError):
            _decode({b"m": m})


class TestClient:
    def test_a_name_is_cut_at_64_characters(self) -> None:
        assert _decode({b"v": b"x" * 1000}).client == "x" * 64
        assert _decode({b"v": "µ".encode() * 1000}).client == "µ" * 64

    @given(st.binary(max_size=300))
    def test_whatever_it_is_it_can_be_shown(self, raw: bytes) -> None:
        text = printable(raw, 64)
        assert text.isprintable() and len(text) <= 64
        text.encode()

    def test_terminal_escapes_and_right_to_left_marks_become_question_marks(self) -> None:
        assert printable(b"a\x1b[31mb\xe2\x80\xaec\n\xff", 64) == "a?[31mb?c??"
