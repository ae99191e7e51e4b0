"""The choking algorithm (BEP 3), in virtual time and to the second, with peers of a few fields."""

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from torrentd.wire.peer.rates import Rate
from torrentd.wire.swarm.choker import ROUND_S, TURN_S, Choker


@dataclass(slots=True, eq=False)
class FakePeer:
    """What the choker may ask, as plain fields; `unchoked_s` is what it got."""

    name: int
    am_choking: bool = True
    peer_interested: bool = True
    am_interested: bool = False
    snubbed: bool = False
    upload_only: bool = False
    gives_bytes_per_s: int = 0
    download_rate: Rate = field(default_factory=lambda: Rate(0.0))
    takes_bytes_per_s: float = 0.0  # at most, of what the company's upload has for it
    unchoked_s: float = 0.0
    unchokes: int = 0

    def __repr__(self) -> str:
        return f"peer {self.name}"


class Company:
    """Peers around one choker; second by second, as a swarm would drive it."""

    def __init__(self, count: int, slots: int, *, seeding: bool = False, seed: int = 1) -> None:
        self.peers = [FakePeer(number) for number in range(count)]
        self.choker: Choker[FakePeer] = Choker(slots, random.Random(seed))
        self.seeding = seeding
        self.last: list[FakePeer] = []
        self.upload_bytes_per_s = 0.0
        self.uploaded_bytes = 0.0
        self.now = 0.0
        self.changed_at: list[float] = []

    def rechoke(self) -> None:
        to_unchoke, to_choke = self.choker.rechoke(
            self.peers,
            self.now,
            seeding=self.seeding,
            uploaded_bytes=int(self.uploaded_bytes),
            last=self.last,
        )
        assert not {*to_unchoke} & {*to_choke}
        for peer in to_unchoke:
            assert peer.am_choking
            peer.am_choking = False
            peer.unchokes += 1
        for peer in to_choke:
            assert not peer.am_choking
            peer.am_choking = True
        if to_unchoke or to_choke:
            self.changed_at.append(self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            deadline = self.choker.next_deadline()
            if deadline is None or self.now >= deadline:
                self.rechoke()
            self.now += 1.0
            takes = sum(p.takes_bytes_per_s for p in self.unchoked() if p.peer_interested)
            self.uploaded_bytes += min(takes, self.upload_bytes_per_s)
            for peer in self.peers:
                peer.download_rate.add(peer.gives_bytes_per_s, self.now)
                if not peer.am_choking and peer.peer_interested:
                    peer.unchoked_s += 1.0

    def unchoked(self) -> list[FakePeer]:
        return [peer for peer in self.peers if not peer.am_choking]


class TestTurns:
    @pytest.mark.parametrize("seeding", [True, False])
    @pytest.mark.parametrize("slots", [1, 4])
    def test_twenty_peers_share_the_slots_of_half_an_hour_equally(
        self, slots: int, seeding: bool
    ) -> None:
        """One slot, 1800 s, 20 peers that give nothing: each has it for 90 s."""
        company = Company(20, slots, seeding=seeding)
        company.run(1800.0)
        for peer in company.peers:
            assert abs(peer.unchoked_s - 90.0 * slots) <= 1.5, (peer, peer.unchoked_s)
        assert sum(peer.unchoked_s for peer in company.peers) == 1800.0 * slots

    def test_a_turn_is_thirty_seconds_and_changes_come_with_rounds(self) -> None:
        company = Company(5, 1)
        company.run(300.0)
        assert company.changed_at == [TURN_S * n for n in range(10)]

    def test_ticks_that_come_late_do_not_cost_a_peer_its_turn(self) -> None:
        company = Company(4, 1)
        rng = random.Random(3)
        for _ in range(400):
            company.rechoke()
            deadline = company.choker.next_deadline()
            assert deadline is not None
            late = deadline + rng.random() * 0.4
            for peer in company.unchoked():
                peer.unchoked_s += late - company.now
            company.now = late
        shares = sorted(peer.unchoked_s for peer in company.peers)
        assert shares[-1] - shares[0] <= TURN_S + 2

    def test_with_as_many_slots_as_peers_nobody_is_ever_choked(self) -> None:
        company = Company(4, 4, seeding=True)
        company.run(600.0)
        assert company.changed_at == [0.0]
        assert all(peer.unchokes == 1 for peer in company.peers)

    def test_a_newcomer_is_three_times_as_likely_to_be_next_as_anywhere_else(self) -> None:
        """ "New connections are three times as likely to start as the current optimistic unchoke
        as anywhere else in the rotation.\""""
        places: Counter[int] = Counter()
        for seed in range(1200):
            company = Company(6, 1, seed=seed)
            company.rechoke()
            newcomer = FakePeer(99)
            company.peers.append(newcomer)
            order: list[FakePeer] = []
            while newcomer not in order:
                company.run(TURN_S)
                order += company.unchoked()
            places[len(order) - 2] += 1  # the first entry is who had the slot when it came
        total = sum(places.values())
        shares = [places[place] / total for place in range(7)]
        assert shares[0] == pytest.approx(3 / 9, abs=0.045)
        for share in shares[1:]:
            assert share == pytest.approx(1 / 9, abs=0.035)

    def test_who_loses_interest_or_leaves_frees_the_slot_at_once(self) -> None:
        company = Company(3, 1)
        company.run(5.0)
        (first,) = company.unchoked()
        first.peer_interested = False
        company.rechoke()
        assert len([peer for peer in company.unchoked() if peer.peer_interested]) == 1
        (second,) = (peer for peer in company.unchoked() if peer.peer_interested)
        company.peers.remove(second)
        company.rechoke()
        assert len([peer for peer in company.unchoked() if peer.peer_interested]) == 1

    def test_the_first_interested_peer_need_not_wait_for_a_round(self) -> None:
        company = Company(1, 4)
        company.peers[0].peer_interested = False
        company.run(3.0)
        company.peers[0].peer_interested = True
        company.rechoke()
        assert company.unchoked() == company.peers

    def test_nobody_interested_nobody_unchoked(self) -> None:
        company = Company(5, 4)
        for peer in company.peers:
            peer.peer_interested = False
        company.run(100.0)
        assert company.unchoked() == []


class TestTitForTat:
    def test_those_who_give_most_have_all_slots_but_the_optimistic_one(self) -> None:
        company = Company(20, 4)
        for peer in company.peers[:5]:
            peer.gives_bytes_per_s = 10_000 * (peer.name + 1)
        company.run(40.0)
        best = company.peers[2:5]
        before = [peer.unchoked_s for peer in best]
        company.run(600.0)
        assert [peer.unchoked_s - b for peer, b in zip(best, before, strict=True)] == [600.0] * 3
        others = [peer.unchoked_s for peer in company.peers if peer not in best]
        assert sum(others) == pytest.approx(600.0, abs=160.0)
        assert max(others) <= 3 * TURN_S + 80.0

    def test_the_optimistic_unchoke_finds_who_would_give_more(self) -> None:
        """A peer that gives only while it gets is found by its turn and then kept."""
        company = Company(10, 4)
        for peer in company.peers[:3]:
            peer.gives_bytes_per_s = 1000
        secret = company.peers[7]
        for _ in range(600):
            secret.gives_bytes_per_s = 0 if secret.am_choking else 50_000
            company.run(1.0)
        before = secret.unchoked_s
        for _ in range(300):
            secret.gives_bytes_per_s = 0 if secret.am_choking else 50_000
            company.run(1.0)
        assert secret.unchoked_s - before == 300.0

    def test_a_peer_that_stops_giving_loses_its_slot_to_a_better_one(self) -> None:
        company = Company(6, 2)
        first, second = company.peers[:2]
        first.gives_bytes_per_s, second.gives_bytes_per_s = 90_000, 40_000
        company.run(60.0)
        assert not first.am_choking
        first.gives_bytes_per_s = 0
        company.run(60.0)
        before = second.unchoked_s
        company.run(60.0)
        assert second.unchoked_s - before == 60.0

    def test_a_snubbed_peer_loses_its_regular_slot(self) -> None:
        company = Company(6, 2)
        generous = company.peers[0]
        generous.gives_bytes_per_s = 90_000
        company.run(100.0)
        generous.snubbed = True
        before = generous.unchoked_s
        company.run(360.0)
        assert generous.unchoked_s - before == 120.0, "six peers, two slots: its turns and no more"
        generous.snubbed = False
        company.run(TURN_S)
        before = generous.unchoked_s
        company.run(100.0)
        assert generous.unchoked_s - before == 100.0, "who gives again has it back"

    def test_slots_change_hands_only_once_in_ten_seconds(self) -> None:
        """ "The currently deployed choking algorithm avoids fibrillation"."""
        company = Company(30, 4)
        rng = random.Random(5)
        for _ in range(600):
            for peer in company.peers:
                peer.gives_bytes_per_s = rng.randrange(100_000)
            company.run(1.0)
        assert all(at % ROUND_S == 0 for at in company.changed_at)

    def test_no_more_slots_than_there_are(self) -> None:
        company = Company(30, 4)
        rng = random.Random(6)
        for _ in range(2000):
            peer = rng.choice(company.peers)
            peer.peer_interested = rng.random() < 0.5
            peer.gives_bytes_per_s = rng.choice((0, 0, 5000, 90_000))
            peer.snubbed = rng.random() < 0.1
            company.rechoke()
            assert sum(p.peer_interested for p in company.unchoked()) <= 4
            waiting = [p for p in company.peers if p.peer_interested and p.am_choking]
            assert not waiting or sum(p.peer_interested for p in company.unchoked()) == 4
            company.run(1.0)

    def test_a_better_uploader_is_unchoked_before_it_is_interested(self) -> None:
        """ "Peers which have a better upload rate but aren't interested get unchoked and if they
        become interested the worst uploader gets choked"."""
        company = Company(4, 3)
        best, good, worst, _ = company.peers
        for peer, rate in ((best, 90_000), (good, 50_000), (worst, 10_000)):
            peer.gives_bytes_per_s = rate
        best.peer_interested = False
        company.run(125.0)
        assert {best, good, worst} <= {*company.unchoked()}
        best.peer_interested = True
        company.rechoke()
        assert sum(peer.peer_interested for peer in company.unchoked()) == 3
        assert {best, good} <= {*company.unchoked()} and worst not in company.unchoked()

    def test_a_seed_is_not_unchoked_for_its_rate(self) -> None:
        company = Company(4, 2)
        company.peers[0].upload_only = True
        company.peers[0].peer_interested = False
        company.peers[0].gives_bytes_per_s = 900_000
        company.peers[1].gives_bytes_per_s = 1000
        company.run(120.0)
        assert company.peers[0].am_choking


class TestTurnsInVain:
    """Five peers and one slot, which nobody can earn; four give while they have it."""

    def company(self) -> Company:
        company = Company(5, 1)
        for peer in company.peers:
            peer.am_interested = True
        return company

    def run(self, company: Company, seconds: int) -> float:
        """Seconds that the fifth had the slot."""
        before = company.peers[4].unchoked_s
        for _ in range(seconds):
            for peer in company.peers[:4]:
                peer.gives_bytes_per_s = 0 if peer.am_choking else 50_000
            company.run(1.0)
        return company.peers[4].unchoked_s - before

    def test_who_gives_nothing_for_its_turn_comes_last(self) -> None:
        company = self.company()
        assert self.run(company, 150) == TURN_S, "once, to see"
        assert self.run(company, 1200) == 0.0

    def test_who_has_nothing_that_we_want_is_not_judged(self) -> None:
        company = self.company()
        company.peers[4].am_interested = False
        assert self.run(company, 1500) == 300.0

    def test_who_gives_after_all_has_its_turns_again(self) -> None:
        company = self.company()
        self.run(company, 300)
        company.peers[4].gives_bytes_per_s = 1_000
        assert self.run(company, 1500) == 300.0

    def test_it_has_the_slot_while_nobody_else_wants_it(self) -> None:
        company = self.company()
        self.run(company, 300)
        for peer in company.peers[:4]:
            peer.peer_interested = False
        assert self.run(company, 60) >= 50.0

    def test_a_seed_serves_everyone_alike(self) -> None:
        company = self.company()
        self.run(company, 300)
        company.seeding = True
        assert self.run(company, 1500) == pytest.approx(300.0, abs=TURN_S)

    def test_those_who_all_give_nothing_share_alike(self) -> None:
        company = Company(5, 1)
        for peer in company.peers:
            peer.am_interested = True
        company.run(1500.0)
        assert {peer.unchoked_s for peer in company.peers} == {300.0}


class TestServedLast:
    """Complaint 16: who takes and does not say that it gains by it."""

    def test_a_doubtful_peer_has_no_turn_while_another_waits_for_one(self) -> None:
        company = Company(6, 2, seeding=True)
        doubtful = company.peers[0]
        company.last = [doubtful]
        company.run(1800.0)
        assert doubtful.unchoked_s == 0.0
        assert all(peer.unchoked_s == 720.0 for peer in company.peers[1:])

    def test_it_has_a_turn_when_nobody_else_wants_one(self) -> None:
        company = Company(3, 3, seeding=True)
        company.last = [company.peers[0]]
        company.run(60.0)
        assert company.peers[0].unchoked_s == 60.0

    def test_it_makes_room_for_a_newcomer_at_the_end_of_its_turn(self) -> None:
        company = Company(2, 2, seeding=True)
        company.last = [company.peers[0]]
        company.run(15.0)
        newcomer = FakePeer(9)
        company.peers.append(newcomer)
        company.run(20.0)
        assert not newcomer.am_choking and company.peers[0].am_choking

    def test_who_gives_us_much_is_served_for_that_whatever_it_claims(self) -> None:
        company = Company(8, 4)
        company.peers[0].gives_bytes_per_s = 50_000
        company.last = [company.peers[0]]
        company.run(40.0)
        before = company.peers[0].unchoked_s
        company.run(300.0)
        assert company.peers[0].unchoked_s - before == 300.0


class TestSlotsByRate:
    """As many as the upload fills: `unchoke_slots` 0."""

    @pytest.mark.parametrize(
        ("upload", "takes", "fills"),
        [
            (1_000_000, 1_000_000, (4, 5)),  # four are enough, whatever they would take
            (1_000_000, 50_000, (19, 27)),
            (10_000_000, 500_000, (19, 27)),
            (10_000_000, 20_000, (40, 1000)),  # it is never full: everybody is served
            (15_000, 50_000, (2, 4)),  # four slots would be crumbs
        ],
    )
    def test_slots_grow_until_the_upload_is_full_and_no_further(
        self, upload: float, takes: float, fills: tuple[int, int]
    ) -> None:
        company = Company(40, 0, seeding=True)
        company.upload_bytes_per_s = upload
        for peer in company.peers:
            peer.takes_bytes_per_s = takes
        company.run(600.0)
        seen = []
        for _ in range(60):
            company.run(10.0)
            seen.append(company.choker.slots)
        least, most = fills
        assert least <= sorted(seen)[len(seen) // 2] <= most, seen

    def test_a_fifth_of_many_slots_is_optimistic(self) -> None:
        company = Company(40, 20)
        for peer in company.peers[:20]:
            peer.gives_bytes_per_s = 1000 * (peer.name + 1)
        company.run(120.0)
        earned = [p for p in company.unchoked() if p.gives_bytes_per_s >= 5000]
        assert len(earned) == 16
        assert len(company.unchoked()) == 20


def test_one_seed_one_history() -> None:
    histories = []
    for _ in range(2):
        company = Company(12, 3, seed=9)
        company.run(300.0)
        histories.append([(peer.name, peer.unchoked_s, peer.unchokes) for peer in company.peers])
    assert histories[0] == histories[1]


def test_the_first_deadline_is_the_first_call() -> None:
    company = Company(0, 4)
    assert company.choker.next_deadline() is None
    company.rechoke()
    assert company.choker.next_deadline() == ROUND_S
