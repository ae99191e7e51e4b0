"""Peers that send other bytes than the torrent's: all are found, nobody else is (X1 to X4)."""

import os
import random

import pytest

from tests.sim.swarm import SimulatedPeer, World
from tests.wire.torrents import single_file

TORRENT = single_file(random.Random(6).randbytes(1_000_000), 20_000)
# of each share of poisoners; 334 make the thousand of T22, a minute
RUNS = int(os.environ.get("TORRENTD_POISON_RUNS", "60"))


class Poison:
    """Spoils a share of the blocks, in one bit each, and remembers which."""

    def __init__(self, seed: float, share: float) -> None:
        self._rng = random.Random(seed)
        self._share = share
        self.spoiled: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, piece_index: int, begin: int, data: bytes) -> bytes:
        rng = self._rng
        if rng.random() >= self._share:
            return data
        at = rng.randrange(len(data))
        bad = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        self.spoiled.setdefault((piece_index, begin), []).append(bad)
        return bad

    def is_in(self, piece_index: int, piece: bytes) -> bool:
        """Is a block of ours part of this piece?"""
        return any(
            index == piece_index and piece[begin : begin + len(bad)] == bad
            for (index, begin), versions in self.spoiled.items()
            for bad in versions
        )


class Attack:
    """One victim (or more) among `poisoners` and honest seeds, twenty in all."""

    def __init__(self, seed: int, poisoners: int, share: float, victims: int = 1) -> None:
        self.world = World(TORRENT, seed)
        self._rng = random.Random(seed)
        self.poisons = [Poison(self._rng.random(), share) for _ in range(poisoners)]
        self.poisoners = [self._seed(poison) for poison in self.poisons]
        self.honest = [self._seed(None) for _ in range(20 - poisoners)]
        self.victims = [SimulatedPeer(self.world) for _ in range(victims)]
        for victim in self.victims:
            victim.start()
            victim.meet(*self.poisoners, *self.honest)

    def _seed(self, poison: Poison | None) -> SimulatedPeer:
        rate = self._rng.uniform(2e5, 5e5)
        peer = SimulatedPeer(self.world, seed=True, corrupt=poison, upload_bytes_per_s=rate)
        peer.start()
        self.world.announced.clear()
        return peer

    def guilty(self, victim: SimulatedPeer) -> list[SimulatedPeer]:
        """Whose bytes were in a piece that failed."""
        return [
            poisoner
            for poisoner, poison in zip(self.poisoners, self.poisons, strict=True)
            if any(poison.is_in(piece_index, piece) for piece_index, piece in victim.refused)
        ]

    def check(self) -> None:
        """All are complete; who is banned is exactly who is guilty."""
        assert self.world.run_until_complete(self.victims, 120)
        for victim in self.victims:
            assert victim.content() == TORRENT.content
            candidates = victim.swarm._company.candidates
            everybody = [*self.poisoners, *self.honest, *self.victims]
            banned = [p for p in everybody if candidates.is_banned(p.address.host)]
            assert banned == self.guilty(victim)
            assert len(banned) == victim.swarm.peers_banned


@pytest.mark.parametrize("poisoners", [2, 6, 10])
def test_poisoners_are_banned_and_no_honest_peer_ever_is(poisoners: int) -> None:
    banned = 0
    for seed in range(RUNS):
        attack = Attack(seed, poisoners, share=(1.0, 0.5)[seed % 2])
        attack.check()
        banned += attack.victims[0].swarm.peers_banned
        assert len(attack.victims[0].refused) <= 2 * poisoners
    assert banned >= 0.8 * poisoners * RUNS, "too many had nothing to do"


def test_one_bad_block_in_fifty_is_found_when_it_comes() -> None:
    failures = bans = 0
    for seed in range(12):
        attack = Attack(seed, 10, share=0.03)
        attack.check()
        failures += len(attack.victims[0].refused)
        bans += attack.victims[0].swarm.peers_banned
    assert bans >= 10
    assert failures <= 2 * bans


def test_poisoners_among_leechers_that_trade_with_each_other() -> None:
    """A leecher passes on nothing unverified, so that nobody is blamed for another's lie."""
    for seed in range(2):
        attack = Attack(seed, 6, share=0.3, victims=5)
        for victim in attack.victims:
            victim.meet(*attack.victims)
        attack.check()


def test_when_every_peer_lies_all_are_banned_and_the_swarm_rests() -> None:
    """X3: no endless loop, and the first honest peer that comes completes it."""
    attack = Attack(1, 20, share=1.0)
    victim = attack.victims[0]
    attack.world.run(120)
    assert victim.swarm.peers_banned == 20
    assert len(victim.refused) <= 40
    honest = SimulatedPeer(attack.world, seed=True)
    honest.start()
    victim.meet(honest)
    assert attack.world.run_until_complete([victim], 60)
    assert victim.content() == TORRENT.content


def test_a_poisoner_that_comes_back_from_another_port_is_not_let_in() -> None:
    attack = Attack(2, 1, share=1.0)
    victim = attack.victims[0]
    poisoner = attack.poisoners[0]
    assert attack.world.run(60, lambda: victim.swarm.peers_banned == 1)
    poisoner.meet(victim)
    attack.world.run(5)
    assert all(c.address.host != poisoner.address.host for c in victim.swarm.connections)


def test_the_disk_of_ours_that_fails_gets_nobody_banned() -> None:
    attack = Attack(3, 0, share=0.0)
    victim = attack.victims[0]
    victim.disk_fails = True
    attack.world.run(3)
    victim.disk_fails = False
    attack.check()
    assert victim.swarm.peers_banned == 0
