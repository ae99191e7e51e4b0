"""Whom our own address gives priority (BEP 40)."""

import random

from tests.vectors.peer_priority import PRIORITIES
from torrentd.wire.formats.address import Address, unpack_host
from torrentd.wire.swarm.vantage import Vantage


def test_nobody_while_nobody_has_told_us_where_we_are() -> None:
    vantage = Vantage(6881)
    assert vantage.priority(Address("98.76.54.32", 6881)) == 0
    vantage.seen_as("123.213.32.10")
    assert vantage.priority(Address("98.76.54.32", 6881)) == PRIORITIES[0][2]
    assert vantage.priority(Address("2600::1", 6881)) == 0, "of IPv6 nothing is known yet"


def test_each_family_has_its_own_and_a_change_is_told() -> None:
    vantage = Vantage(6881)
    versions = [vantage.version]
    for host in ("123.213.32.10", "2600::5", "123.213.32.10", "123.213.32.11"):
        vantage.seen_as(host)
        versions.append(vantage.version)
    assert versions == [0, 1, 2, 2, 3]
    assert vantage.priority(Address("2600::1", 6881))


def test_two_of_ours_rank_each_other_alike() -> None:
    rng = random.Random(40)
    for size in (4, 16):
        for _ in range(50):
            mine, yours = (Address(unpack_host(rng.randbytes(size)), 6881) for _ in range(2))
            here, there = Vantage(6881), Vantage(6881)
            here.seen_as(mine.host)
            there.seen_as(yours.host)
            assert here.priority(yours) == there.priority(mine) > 0
