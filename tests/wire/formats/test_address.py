"""Addresses (BEP 5, 7, 32) and the policy for those that others tell us (RFC 6890)."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.addresses import (
    COMPACT,
    COMPACT_LIST,
    COMPACT_LIST_CUT,
    ENDPOINTS,
    HOSTS,
    MAY_CONTACT,
    NEVER_CONTACT,
    NOT_ENDPOINTS,
)
from torrentd.wire.formats.address import (
    Address,
    AddressPolicy,
    Reach,
    host_key,
    is_ipv6,
    network_key,
    pack_address,
    pack_host,
    parse_address,
    parse_host,
    reach,
    unpack_address,
    unpack_addresses,
    unpack_host,
)
from torrentd.wire.formats.errors import ProtocolError

ports = st.integers(1, 65535)
ipv4 = st.binary(min_size=4, max_size=4)
ipv6 = st.binary(min_size=16, max_size=16)
STRICT = AddressPolicy(allow_local=False)
LOCAL = AddressPolicy(allow_local=True)


class TestCompact:
    @pytest.mark.parametrize(("text", "packed"), COMPACT)
    def test_a_vector_packs_and_unpacks(self, text: str, packed: str) -> None:
        address = parse_address(text)
        assert pack_address(address).hex() == packed
        assert unpack_address(bytes.fromhex(packed)) == address
        assert str(address) == text

    @pytest.mark.parametrize(("text", "packed"), HOSTS)
    def test_so_does_a_host_alone(self, text: str, packed: str) -> None:
        assert pack_host(text).hex() == packed
        assert unpack_host(bytes.fromhex(packed)) == text

    @given(ipv4 | ipv6, ports)
    def test_every_address_survives_text_and_bytes(self, host: bytes, port: int) -> None:
        address = unpack_address(host + port.to_bytes(2))
        assert unpack_address(pack_address(address)) == address
        assert parse_address(str(address)) == address
        assert is_ipv6(address.host) == (":" in address.host)

    @given(ipv4)
    def test_ipv4_text_is_what_the_standard_library_writes(self, host: bytes) -> None:
        assert unpack_host(host) == str(ipaddress.IPv4Address(host))

    @given(st.lists(st.sampled_from([0, 0, 0, 1, 0x10, 0xA00]), min_size=8, max_size=8))
    def test_ipv6_text_is_what_the_standard_library_writes(self, groups: list[int]) -> None:
        """RFC 5952: the longest run of zero groups is left out, the first of equals, and never one
        alone."""
        host = struct.pack(">8H", *groups)
        assert unpack_host(host) == str(ipaddress.IPv6Address(host))

    @given(ipv4)
    def test_a_mapped_address_is_the_ipv4_address_it_is(self, host: bytes) -> None:
        assert unpack_host(bytes(10) + b"\xff\xff" + host) == unpack_host(host)

    @pytest.mark.parametrize("size", [*range(6), 7, 17, 19])
    def test_other_lengths_are_no_address(self, size: int) -> None:
        with pytest.raises(ProtocolError):
            unpack_address(bytes(size))

    def test_a_list_holds_whole_addresses(self) -> None:
        packed, texts = COMPACT_LIST
        assert [str(a) for a in unpack_addresses(bytes.fromhex(packed), 6)] == texts
        assert unpack_addresses(b"", 18) == []
        with pytest.raises(ProtocolError):
            unpack_addresses(bytes.fromhex(COMPACT_LIST_CUT), 6)
        for cut in (1, 17, 19):
            with pytest.raises(ProtocolError, match="cut short"):
                unpack_addresses(bytes(cut), 18)


class TestText:
    @pytest.mark.parametrize(("text", "host", "port"), ENDPOINTS)
    def test_an_endpoint_is_parsed(self, text: str, host: str, port: int) -> None:
        assert parse_address(text) == (host, port)

    @pytest.mark.parametrize("text", NOT_ENDPOINTS)
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            parse_address(text)

    @given(st.text())
    def test_no_text_raises_anything_but_a_protocol_error(self, text: str) -> None:
        for candidate in (text, f"{text}:1", f"[{text}]:1"):
            try:
                parse_address(candidate)
            except ProtocolError:
                continue

    def test_equal_hosts_have_equal_text(self) -> None:
        spellings = ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8:0::0:1"]
        assert {parse_host(s) for s in spellings} == {"2001:db8::1"}


class TestKeys:
    def test_an_ipv4_host_is_its_address_and_its_network_the_24(self) -> None:
        assert host_key("1.2.3.4") == b"\1\2\3\4"
        assert network_key("1.2.3.4") == b"\1\2\3"

    def test_an_ipv6_host_is_its_64(self) -> None:
        assert host_key("2600::1:2:3:4") == host_key("2600::") == bytes.fromhex("2600000000000000")
        assert host_key("2600:0:0:1::") != host_key("2600::")

    def test_an_ipv6_network_is_its_48(self) -> None:
        assert (
            network_key("2600:0:0:1::9") == network_key("2600::1") == bytes.fromhex("260000000000")
        )
        assert network_key("2600:0:1::") != network_key("2600::")

    @pytest.mark.parametrize(
        "host", ["2002:102:304::1", "2002:102:304:ffff::9", "64:ff9b::102:304", "::ffff:1.2.3.4"]
    )
    def test_who_owns_an_ipv4_address_is_one_host_in_every_disguise(self, host: str) -> None:
        assert host_key(host) == b"\1\2\3\4"
        assert network_key(host) == b"\1\2\3"

    def test_two_clients_of_one_teredo_server_are_two_hosts(self) -> None:
        assert host_key("2001:0:808:808::f7f7:f7f7") != host_key("2001:0:808:808::f7f7:f7f6")


class TestPolicy:
    @pytest.mark.parametrize(("host", "when_local"), NEVER_CONTACT)
    def test_no_stranger_sends_us_there(self, host: str, when_local: bool) -> None:
        address = Address(host, 6881)
        assert not STRICT.allows_peer(address)
        assert not STRICT.allows_node(address)
        assert LOCAL.allows_peer(address) == LOCAL.allows_node(address) == when_local
        assert STRICT.is_local(host) == LOCAL.is_local(host) == when_local

    @pytest.mark.parametrize("host", MAY_CONTACT)
    def test_public_addresses_are_contacted(self, host: str) -> None:
        for policy in (STRICT, LOCAL):
            assert policy.allows_peer(Address(host, 6881))
            assert policy.allows_node(Address(host, 6881))
            assert not policy.is_local(host)

    @pytest.mark.parametrize("port", [-1, 0, 65536, 70000])
    def test_what_is_no_port_is_never_used(self, port: int) -> None:
        for policy in (STRICT, LOCAL):
            assert not policy.allows_peer(Address("8.8.8.8", port))
            assert not policy.allows_node(Address("8.8.8.8", port))

    @pytest.mark.parametrize("port", [1, 22, 25, 53, 79, 81, 123, 442, 445, 1023])
    def test_peers_on_the_ports_of_other_services_are_refused(self, port: int) -> None:
        assert not STRICT.allows_peer(Address("8.8.8.8", port))
        assert STRICT.allows_node(Address("8.8.8.8", port))
        assert LOCAL.allows_peer(Address("8.8.8.8", port))

    @pytest.mark.parametrize("port", [80, 443, 1024, 65535])
    def test_peers_on_other_ports_are_allowed(self, port: int) -> None:
        assert STRICT.allows_peer(Address("8.8.8.8", port))

    @given(ipv4 | ipv6)
    def test_nothing_is_public_that_the_standard_library_knows_is_not(self, packed: bytes) -> None:
        """Transition addresses apart: of them it judges the envelope, we the address inside."""
        address = ipaddress.ip_address(packed)
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        if inner is None and getattr(address, "teredo", None) is None:
            public = reach(unpack_host(packed)) is Reach.PUBLIC
            assert not public or (address.is_global and not address.is_multicast)

    @given(st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]))
    def test_a_network_ends_where_its_mask_says(self, text: str) -> None:
        network = ipaddress.ip_network(text)
        inside = [network.network_address, network.broadcast_address]
        outside = [network.network_address - 1, network.broadcast_address + 1]
        assert {reach(str(host)) for host in inside} == {Reach.LOCAL}
        assert {reach(str(host)) for host in outside} == {Reach.PUBLIC}

    @given(ipv4)
    def test_a_disguise_changes_nothing(self, host: bytes) -> None:
        plain = reach(unpack_host(host))
        inverted = bytes(byte ^ 0xFF for byte in host)
        for disguise in (
            bytes.fromhex("0064ff9b") + bytes(8) + host,
            bytes.fromhex("2002") + host + bytes(10),
            bytes.fromhex("20010000") + bytes(8) + inverted,
        ):
            assert reach(unpack_host(disguise)) is plain
