"""The peer handshake (BEP 3) and its reserved bits (BEP 5, 6, 10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.wire import HANDSHAKE
from torrentd.wire.formats.errors import HandshakeError
from torrentd.wire.formats.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    decode_handshake,
    encode_handshake,
)
from torrentd.wire.formats.ids import InfoHash, PeerId

ids = st.binary(min_size=20, max_size=20)
handshakes = st.builds(
    Handshake, ids.map(InfoHash), ids.map(PeerId), st.booleans(), st.booleans(), st.booleans()
)


def test_the_vector_knows_all_three_extensions() -> None:
    data = bytes.fromhex(HANDSHAKE)
    handshake = decode_handshake(data)
    assert handshake == Handshake(InfoHash(bytes(20)), PeerId(bytes(20)), True, True, True)
    assert encode_handshake(handshake) == data


@given(handshakes)
def test_a_handshake_survives_the_wire(handshake: Handshake) -> None:
    data = encode_handshake(handshake)
    assert len(data) == HANDSHAKE_BYTES
    assert decode_handshake(data) == handshake
    assert decode_handshake(memoryview(bytearray(data))) == handshake


@pytest.mark.parametrize(
    ("at", "bit", "name"), [(25, 4, "extension"), (27, 2, "fast"), (27, 0, "dht")]
)
def test_each_extension_has_the_bit_of_its_bep(at: int, bit: int, name: str) -> None:
    data = bytearray(encode_handshake(_plain()))
    data[at] = 1 << bit
    handshake = decode_handshake(data)
    flags = {flag: getattr(handshake, flag) for flag in ("extension", "fast", "dht")}
    assert flags == {flag: flag == name for flag in flags}


def test_unknown_reserved_bits_are_ignored() -> None:
    data = bytearray(encode_handshake(_plain()))
    data[20:28] = bytes.fromhex("ffffffffffefff" + "fa")
    assert decode_handshake(data) == _plain()


@given(st.integers(0, 19), st.integers(1, 255))
def test_another_protocol_is_refused(at: int, flip: int) -> None:
    data = bytearray(encode_handshake(_plain()))
    data[at] ^= flip
    with pytest.raises(HandshakeError):
        decode_handshake(data)


@pytest.mark.parametrize("size", [0, 20, 67, 69])
def test_another_length_is_refused(size: int) -> None:
    with pytest.raises(HandshakeError):
        decode_handshake((bytes.fromhex(HANDSHAKE) + b"\0")[:size])


def _plain() -> Handshake:
    return Handshake(InfoHash(b"h" * 20), PeerId(b"p" * 20), False, False, False)
