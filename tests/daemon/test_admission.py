"""Who may connect: counted before anything is built (C2, O1)."""

import pytest

from torrentd.config.schema import Limits
from torrentd.daemon.admission import (
    CONNECTIONS_PER_NETWORK_MAX,
    Admission,
    TokenBucket,
    connections_budget,
    descriptors_max,
)
from torrentd.wire.formats.address import AddressPolicy


def admission(connections_max: int = 100, allow_local: bool = False) -> Admission:
    return Admission(Limits(), AddressPolicy(allow_local), connections_max)


class TestAdmission:
    def test_one_connection_a_host(self) -> None:
        gate = admission()
        assert gate.admits("8.8.8.8")
        gate.enter("8.8.8.8")
        assert not gate.admits("8.8.8.8")
        gate.leave("8.8.8.8")
        assert gate.admits("8.8.8.8")

    def test_an_ipv6_network_of_64_bits_is_one_host(self) -> None:
        gate = admission()
        gate.enter("2a00:1450:1:1::1")
        assert not gate.admits("2a00:1450:1:1:ffff::2")
        assert gate.admits("2a00:1450:1:2::1")

    def test_so_many_of_one_network(self) -> None:
        gate = admission()
        for number in range(CONNECTIONS_PER_NETWORK_MAX):
            assert gate.admits(f"8.8.8.{number}")
            gate.enter(f"8.8.8.{number}")
        assert not gate.admits("8.8.8.200")
        assert gate.admits("8.8.9.1")

    def test_so_many_in_all(self) -> None:
        gate = admission(connections_max=2)
        gate.enter("8.8.8.8")
        gate.enter("9.9.9.9")
        assert gate.full
        assert not gate.admits("1.1.1.1")

    def test_a_test_network_shares_few_addresses(self) -> None:
        gate = admission(allow_local=True)
        gate.enter("127.0.0.1")
        assert gate.admits("127.0.0.1")
        assert not admission_with("127.0.0.1").admits("127.0.0.1")

    def test_counts_end_where_they_began(self) -> None:
        gate = admission()
        for host in ("8.8.8.8", "2a00::1", "8.8.8.9"):
            gate.enter(host)
        for host in ("2a00::1", "8.8.8.9", "8.8.8.8"):
            gate.leave(host)
        assert gate.connections == 0
        assert (gate._hosts, gate._networks) == ({}, {})


def admission_with(host: str) -> Admission:
    gate = admission()
    gate.enter(host)
    return gate


class TestTokenBucket:
    def test_so_many_at_once_and_then_so_many_a_second(self) -> None:
        bucket = TokenBucket(10, now=0.0)
        assert [bucket.take(0.0) for _ in range(20)] == [0.0] * 20
        assert bucket.take(0.0) == pytest.approx(0.1)
        assert bucket.take(0.05) == pytest.approx(0.05)
        assert bucket.take(0.101) == 0.0

    def test_tokens_are_not_saved_for_ever(self) -> None:
        bucket = TokenBucket(10, now=0.0)
        taken = 0
        while bucket.take(1000.0) == 0.0:
            taken += 1
        assert taken == 20


class TestDescriptors:
    def test_peers_get_half_of_what_is_not_reserved(self) -> None:
        limits = Limits(connections_max=20_000)
        assert connections_budget(limits, 1064) == 500
        assert connections_budget(Limits(connections_max=100), 1064) == 100
        assert connections_budget(limits, 64) == 1

    def test_the_soft_limit_is_raised(self) -> None:
        assert descriptors_max() >= 64
