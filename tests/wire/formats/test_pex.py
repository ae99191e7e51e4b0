"""ut_pex (BEP 11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.extension import PEX_INVALID, PEX_ONE_PEER
from torrentd.wire.formats.address import Address, pack_address, unpack_address
from torrentd.wire.formats.errors import ExtensionError
from torrentd.wire.formats.pex import (
    CONTACTS_MAX,
    FLAG_ENCRYPTION,
    FLAG_HOLEPUNCH,
    FLAG_REACHABLE,
    FLAG_SEED,
    FLAG_UTP,
    Pex,
    decode_pex,
    encode_pex,
)

mapped = bytes(10) + b"\xff\xff"
ipv4 = st.binary(min_size=6, max_size=6).map(unpack_address)
ipv6 = st.binary(min_size=18, max_size=18).filter(lambda b: b[:12] != mapped).map(unpack_address)
flags = st.integers(0, 255)


def test_the_vector_tells_of_one_peer() -> None:
    peer = (Address("127.0.0.1", 21930), FLAG_ENCRYPTION | FLAG_REACHABLE)
    assert decode_pex(PEX_ONE_PEER) == Pex([peer], [])


@given(
    st.lists(st.tuples(ipv4, flags), max_size=CONTACTS_MAX),
    st.lists(st.tuples(ipv6, flags), max_size=9),
    st.lists(ipv4, max_size=9),
    st.lists(ipv6, max_size=CONTACTS_MAX),
)
def test_a_message_survives_the_wire_with_ipv4_first(
    added4: list[tuple[Address, int]],
    added6: list[tuple[Address, int]],
    dropped4: list[Address],
    dropped6: list[Address],
) -> None:
    pex = Pex(added4 + added6, dropped4 + dropped6)
    assert decode_pex(encode_pex(pex)) == pex
    assert decode_pex(encode_pex(Pex(added6 + added4, dropped6 + dropped4))) == pex


def test_the_flags_are_those_of_the_bep() -> None:
    flags = [FLAG_ENCRYPTION, FLAG_SEED, FLAG_UTP, FLAG_HOLEPUNCH, FLAG_REACHABLE]
    assert flags == [0x01, 0x02, 0x04, 0x08, 0x10]
    assert CONTACTS_MAX == 50


def test_an_empty_message_is_an_empty_dictionary() -> None:
    assert encode_pex(Pex()) == b"de"
    assert decode_pex(b"de") == Pex()


@pytest.mark.parametrize(("name", "payload"), PEX_INVALID, ids=[name for name, _ in PEX_INVALID])
def test_an_invalid_message_is_an_extension_error(name: str, payload: bytes) -> None:
    with pytest.raises(ExtensionError):
        decode_pex(payload)


@pytest.mark.parametrize("key", [b"added", b"added6", b"dropped", b"dropped6"])
def test_no_more_than_50_of_a_list_are_kept(key: bytes) -> None:
    size = 18 if key.endswith(b"6") else 6
    data = b"".join(i.to_bytes(size) for i in range(1, 301))
    pex = decode_pex(b"d%d:%b%d:%be" % (len(key), key, len(data), data))
    kept = [a for a, _ in pex.added] + pex.dropped
    assert kept == [unpack_address(i.to_bytes(size)) for i in range(1, CONTACTS_MAX + 1)]


@pytest.mark.parametrize(("raw", "kept"), [(b"", [0, 0]), (b"\1", [1, 0]), (b"\1\2\3", [1, 2])])
def test_flags_that_do_not_match_their_addresses_are_padded_or_cut(
    raw: bytes, kept: list[int]
) -> None:
    payload = b"d5:added12:aaaabbccccdd7:added.f%d:%be" % (len(raw), raw)
    assert [f for _, f in decode_pex(payload).added] == kept


def test_lists_of_the_wrong_type_count_as_absent() -> None:
    assert decode_pex(b"d5:addedle7:added.fi1e7:droppeddee") == Pex()


def test_local_addresses_are_told_as_they_came_since_the_policy_judges_later() -> None:
    victim = Address("127.0.0.1", 22)
    payload = b"d5:added6:%be" % pack_address(victim)
    assert decode_pex(payload).added == [(victim, 0)]
