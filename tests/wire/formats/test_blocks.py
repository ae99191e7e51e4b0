"""Blocklists: every format, hostile lines, and lookups against a look at every range."""

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.blocks import (
    LINE_BYTES_MAX,
    Blocks,
    HostSet,
    Ranges,
    decode_blocklist,
    host_set,
    parse_network,
)

# A line, an address that it blocks, one that it does not.
LINES = [
    (b"Some Org:192.0.2.1-192.0.2.9", "192.0.2.9", "192.0.2.10"),
    (b"a: b, c (d) 7:1.2.3.4-1.2.3.4", "1.2.3.4", "1.2.3.5"),
    (b":1.2.3.4-1.2.3.4", "1.2.3.4", "1.2.3.3"),
    (b"caf\xe9 \xff:1.2.3.4-1.2.3.4", "1.2.3.4", "1.2.3.3"),
    (b"001.009.096.105 - 001.009.096.255 , 000 , Some: org, Inc", "1.9.96.200", "1.9.97.0"),
    (b"1.9.96.105-1.9.96.105,127,x", "1.9.96.105", "1.9.96.104"),
    (b"1.9.96.105 - 1.9.96.105", "1.9.96.105", "1.9.96.104"),
    (b"198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
    (b"198.51.100.77/24  # all of it", "198.51.100.1", "198.51.99.255"),
    (b"192.0.2.7", "192.0.2.7", "192.0.2.6"),
    (b"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
    (b"2001:db8::7", "2001:db8::8", "2001:db8:0:1::7"),
    (b"2001:db8::-2001:db8:0:3::", "2001:db8:0:3::1", "2001:db8:0:4::"),
    (b"::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
    (b"192.0.2.0/24", "64:ff9b::192.0.2.7", "64:ff9b::192.0.3.7"),
    (b"0.0.0.0-255.255.255.255", "255.255.255.255", "2001:db8::"),
]
BAD = [
    b"Some Org", b"1.2.3.4-", b"x:1.2.3.256-1.2.3.257", b"x:1.2.3.9-1.2.3.1", b"1.2.3.0/33",
    b"2001:db8::9-2001:db8::zz", b"2001:db9::-2001:db8::", b"\x00\xff\x1f\x8b", b"1.2.3",
    b"x" * (LINE_BYTES_MAX + 1), b"x:" * 400 + b"1.2.3", b"1.2.3.4-1.2.3.5,abc,x", b"-", b"/",
    b"1.2.3.4:80", b"9" * 900 + b".1.1.1", b"\xd9\xa1.2.3.4",
]  # fmt: skip


def holds(hosts: HostSet, host: str) -> bool:
    blocks = Blocks()
    blocks.list(hosts)
    return blocks.holds(str(ipaddress.ip_address(host)))


@pytest.mark.parametrize(("line", "blocked", "free"), LINES)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_each_format(line: bytes, blocked: str, free: str, end: bytes) -> None:
    found = decode_blocklist([line + end])
    assert (found.lines, found.bad_lines, len(found.hosts)) == (1, 0, 1)
    assert holds(found.hosts, blocked) and not holds(found.hosts, free)


def test_a_level_of_128_or_more_is_allowed() -> None:
    found = decode_blocklist([b"1.2.3.4 - 1.2.3.4 , 128 , x", b"1.2.3.5 - 1.2.3.5 , 127 , x"])
    assert (found.lines, found.bad_lines, len(found.hosts)) == (2, 0, 1)
    assert holds(found.hosts, "1.2.3.5") and not holds(found.hosts, "1.2.3.4")


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_counted_and_no_other_suffers(line: bytes) -> None:
    found = decode_blocklist([b"# ours\n", b"\n", b"192.0.2.7\n", line, line, b"x:1.1.1.1-1.1.1.1"])
    assert (found.lines, found.bad_lines, found.first_bad) == (4, 2, 4)
    assert len(found.hosts) == 2


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_raise(lines: list[bytes]) -> None:
    decode_blocklist(lines)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=30),
    st.lists(st.integers(0, 400), max_size=50),
)
def test_ranges_are_what_a_look_at_each_finds(
    pairs: list[tuple[int, int]], numbers: list[int]
) -> None:
    spans = [(first, first + length) for first, length in pairs]
    ranges = Ranges(spans, "I")
    for number in [*numbers, *(end for span in spans for end in span)]:
        assert (number in ranges) == any(first <= number <= last for first, last in spans)
    covered = {number for first, last in spans for number in range(first, last + 1)}
    assert len(ranges) == sum(number - 1 not in covered for number in covered)


def test_a_quarter_of_a_million_ranges_are_a_few_megabytes() -> None:
    rng = random.Random(7)
    spans = [(n, n + 5) for n in rng.sample(range(0, 1 << 32, 16), 250_000)]
    ranges = Ranges(spans, "I")
    assert len(ranges) == 250_000
    assert ranges._firsts.itemsize + ranges._lasts.itemsize == 8
    assert all(first in ranges and first - 1 not in ranges for first, _ in spans[:1000])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7/24 ", "192.0.2.0/24"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::/48", "2001:db8::/48"),
    ],
)
def test_a_network_as_a_person_writes_it(text: str, shown: str) -> None:
    assert parse_network(text)[0] == shown
    assert len(host_set([shown])) == 1


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4:80", "[::1]", "1.2.3.4/33", "a.b"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError):
        parse_network(text)


def test_the_policy_refuses_them_as_peers_and_as_nodes_and_counts() -> None:
    blocks = Blocks()
    policy = AddressPolicy(allow_local=False, blocks=blocks)
    address = Address("9.9.9.9", 6881)
    assert policy.allows_peer(address) and policy.allows_node(address)
    blocks.ban(host_set(["9.9.9.0/24"]))
    assert policy.generation == 1
    assert not policy.allows_peer(address) and not policy.allows_node(address)
    assert blocks.refused == 2
    blocks.ban(host_set([]))
    blocks.list(host_set(["9.9.9.9"]))
    assert not policy.allows_peer(address) and policy.allows_peer(Address("9.9.9.8", 6881))
