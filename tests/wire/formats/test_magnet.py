"""Magnets (BEP 9, 53): vectors of other clients, limits (M7), and there and back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.magnets import INVALID, SELECT_ONLY, VALID
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import MagnetError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.magnet import Magnet, decode_magnet, decode_select, encode_magnet

HEX = "cd" * 20
LINK = f"magnet:?xt=urn:btih:{HEX}"


@pytest.mark.parametrize(("uri", "infohash", "name", "peers"), VALID)
def test_valid_magnets(uri: str, infohash: str, name: str | None, peers: list[str]) -> None:
    if not infohash:
        with pytest.raises(MagnetError, match="version 2 only"):
            decode_magnet(uri)
        return
    magnet = decode_magnet(uri)
    assert magnet.infohash.hex() == infohash
    assert magnet.name == name
    assert [str(peer) for peer in magnet.peers] == peers


@pytest.mark.parametrize(("uri", "why"), INVALID)
def test_invalid_magnets(uri: str, why: str) -> None:
    with pytest.raises(MagnetError):
        decode_magnet(uri)


@pytest.mark.parametrize(("values", "indices"), SELECT_ONLY)
def test_select_only(values: list[str], indices: tuple[int, ...]) -> None:
    assert decode_select(values) == indices


class TestMagnetUriFormat:
    """BEP 9, "magnet URI format"."""

    @pytest.mark.parametrize(
        "text",
        [HEX, HEX.upper(), "ZXG43TONZXG43TONZXG43TONZXG43TON", "zxg43tonZXG43TONZXG43TONZXG43TON"],
    )
    def test_a_bare_infohash_will_do(self, text: str) -> None:
        assert decode_magnet(text) == Magnet(InfoHash(b"\xcd" * 20))

    @pytest.mark.parametrize(
        "text", [HEX[1:], HEX + "0", HEX + "\n", " " + HEX, "٣" * 40, "x:" + HEX]
    )
    def test_almost_an_infohash_is_none(self, text: str) -> None:
        with pytest.raises(MagnetError):
            decode_magnet(text)

    @pytest.mark.parametrize("key", ["tr", "tr.1", "xs", "as", "mt", "kt"])
    def test_no_tracker_and_no_source_is_kept(self, key: str) -> None:
        """xs and as would make us fetch what a stranger names (P15)."""
        link = f"{LINK}&{key}=http://tracker.invalid/x"
        assert decode_magnet(link) == decode_magnet(LINK)

    def test_repeated_parameters_may_be_numbered(self) -> None:
        magnet = decode_magnet(f"magnet:?xt.1=urn:btih:{HEX}&x.pe.1=1.2.3.4:5&x.pe.2=[::2]:6")
        assert magnet.peers == (Address("1.2.3.4", 5), Address("::2", 6))

    def test_the_same_infohash_twice_is_once(self) -> None:
        both = f"{LINK}&xt=urn:btih:ZXG43TONZXG43TONZXG43TONZXG43TON"
        assert decode_magnet(both).infohash.hex() == HEX

    def test_two_infohashes_are_refused(self) -> None:
        with pytest.raises(MagnetError, match="two different"):
            decode_magnet(f"{LINK}&xt=urn:btih:{'ab' * 20}")

    def test_names_are_decoded(self) -> None:
        assert decode_magnet(f"{LINK}&dn=a+b%20c%C3%BC").name == "a b cü"
        assert decode_magnet(f"{LINK}&dn=&dn=second").name == "second"

    @pytest.mark.parametrize("name", ["%ff%fe", "\ud800", "%00%1b[2J"])
    def test_a_strange_name_can_be_written_again(self, name: str) -> None:
        magnet = decode_magnet(f"{LINK}&dn={name}")
        assert decode_magnet(encode_magnet(magnet)) == magnet

    def test_web_seeds_are_kept(self) -> None:
        link = f"{LINK}&ws=https%3A%2F%2Fseed.example%2Fx&ws=ftp://x&ws=http://a%0ab"
        assert decode_magnet(link).web_seeds == ("https://seed.example/x",)

    def test_peers_are_literal_addresses(self) -> None:
        link = f"{LINK}&x.pe=peer.example:5&x.pe=1.2.3.4:0x5&x.pe=1.2.3.4:70000&x.pe=1.2.3.4:5"
        assert decode_magnet(link).peers == (Address("1.2.3.4", 5),)

    def test_an_unusable_selection_selects_everything(self) -> None:
        assert decode_magnet(f"{LINK}&so=x").select is None
        assert decode_magnet(f"{LINK}&so=3,1").select == (1, 3)


class TestLimits:
    """M7."""

    def test_length(self) -> None:
        assert decode_magnet(LINK.ljust(8192, "&")[:8000].rstrip("&")).name is None
        with pytest.raises(MagnetError, match="longer"):
            decode_magnet(LINK + "&dn=" + "x" * 8192)

    def test_parameters(self) -> None:
        assert decode_magnet(LINK + "&a=b" * 99).infohash.hex() == HEX
        with pytest.raises(MagnetError, match="parameters"):
            decode_magnet(LINK + "&a=b" * 100)

    def test_peers(self) -> None:
        link = LINK + "".join(f"&x.pe=1.2.3.{i}:5" for i in range(50))
        assert len(decode_magnet(link).peers) == 16

    def test_overlapping_ranges_cost_no_more_than_the_largest_torrent(self) -> None:
        started = time.perf_counter()
        select = decode_magnet(f"{LINK}&so=" + "0-199999," * 880).select
        assert select == tuple(range(200_000))
        assert time.perf_counter() - started < 0.5


addresses = st.one_of(
    st.builds(Address, st.ip_addresses(v=4).map(str), st.integers(1, 65535)),
    st.builds(Address, st.just("2001:db8::7"), st.integers(1, 65535)),
)


@given(
    st.builds(
        Magnet,
        infohash=st.binary(min_size=20, max_size=20).map(InfoHash),
        name=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
        peers=st.lists(addresses, max_size=5, unique=True).map(tuple),
        select=st.none() | st.sets(st.integers(0, 300), min_size=1).map(lambda s: tuple(sorted(s))),
        web_seeds=st.sampled_from([(), ("http://a.example/?a=b&c=%20",)]),
    )
)
def test_a_magnet_survives_being_written(magnet: Magnet) -> None:
    assert decode_magnet(encode_magnet(magnet)) == magnet


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_select_only_is_the_union_of_its_ranges(ranges: list[tuple[int, int]]) -> None:
    naive = sorted({i for first, last in ranges for i in range(first, last + 1)})
    assert list(decode_select([f"{first}-{last}" for first, last in ranges])) == naive
