"""What is due to keep a table alive (BEP 5, Routing Table; BEP 42; D14, D18)."""

import random

from tests.dht.makers import NOW, PUBLIC, address, node_id
from torrentd.dht.contact import FAILURES_BAD, Contact
from torrentd.dht.external_address import SETTLE_S
from torrentd.dht.lookup import Lookup
from torrentd.dht.network import (
    BOOTSTRAP_S_MAX,
    PING_S,
    RETRY_S,
    SELF_LOOKUP_S,
    SILENT_BOOTSTRAP_S_MAX,
    SURVEY_LOOKUPS,
    UNVERIFIED_MAX,
    Network,
)
from torrentd.dht.node_id import id_fits_host, random_node_id
from torrentd.dht.rate_limit import PROVEN_S
from torrentd.dht.routing_table import RENEW_S
from torrentd.wire.formats.address import Address


def make(nodes: int = 0) -> Network:
    rng = random.Random(1)
    network = Network("ipv4", PUBLIC, rng, random.Random(2), NOW)
    for index in range(nodes):
        network.table.replied(random_node_id(rng), address(index), NOW, 0.1)
    return network


def ended(network: Network, now: float, *, responses: int) -> None:
    """The upkeep lookup that was due is over."""
    lookup = Lookup(network.own_id, "ipv4", PUBLIC, wants_peers=False)
    lookup.responses = responses
    network.upkeep = lookup
    network.lookup_ended(lookup, now)


class TestBootstrap:
    def test_wanted_at_once_and_then_with_back_off_for_ever(self) -> None:
        network, now = make(), NOW
        assert network.is_bootstrap_due(NOW, nobody_answers=False)
        waits = []
        for _ in range(40):
            assert not network.is_bootstrap_due(network.bootstrap_at - 0.001, nobody_answers=False)
            waits.append(network.bootstrap_at - now)
            now = network.bootstrap_at
            assert network.is_bootstrap_due(now, nobody_answers=False)
        assert 4 <= waits[0] <= 6 and 8 <= waits[1] <= 12
        assert all(0.8 * BOOTSTRAP_S_MAX <= wait <= 1.2 * BOOTSTRAP_S_MAX for wait in waits[8:])
        assert len(set(waits)) == len(waits)  # jitter: not everyone at once

    def test_while_nobody_answers_never_later_than_twenty_seconds_and_a_fifth(self) -> None:
        network, now = make(), NOW
        for _ in range(40):
            assert network.is_bootstrap_due(now, nobody_answers=True)
            assert network.bootstrap_at - now <= 1.2 * SILENT_BOOTSTRAP_S_MAX
            now = network.bootstrap_at

    def test_not_with_enough_good_nodes_and_soon_again_when_they_are_gone(self) -> None:
        network = make(nodes=30)
        assert not network.is_bootstrap_due(NOW, nobody_answers=False)
        later = NOW + 16 * 60
        assert network.is_bootstrap_due(later, nobody_answers=False)
        assert network.bootstrap_at - later < 7


class TestLookups:
    def test_the_first_node_leads_to_a_lookup_of_our_own_id(self) -> None:
        """BEP 5: "Upon inserting the first node into its routing table"."""
        network = make()
        assert network.lookup_due(NOW) is None
        network.table.replied(node_id(5), address(1), NOW, None)
        assert network.lookup_due(NOW) == network.own_id

    def test_then_buckets_with_few_nodes_are_filled_one_by_one(self) -> None:
        network = make(nodes=30)
        network.lookup_due(NOW)
        for bucket in network.table.buckets:
            for contact in list(bucket.nodes.values())[2:]:
                if not bucket.has_in_range(network.table.node):
                    network.table.remove_contact(contact)
        ended(network, NOW, responses=8)
        first = network.lookup_due(NOW)
        assert first is not None and first != network.own_id
        assert network.lookup_due(NOW) is None  # spaced
        assert network.lookup_due(NOW + 1) is not None

    def test_one_at_a_time(self) -> None:
        network = make(nodes=30)
        network.upkeep = Lookup(network.own_id, "ipv4", PUBLIC, wants_peers=False)
        assert network.lookup_due(NOW + 3600) is None

    def test_while_nobody_answers_it_is_tried_again_and_again(self) -> None:
        network = make(nodes=30)
        now = NOW
        for _ in range(20):
            assert network.lookup_due(now) == network.own_id
            ended(network, now, responses=0)
            assert network.lookup_due(now + RETRY_S - 1) is None
            now += RETRY_S

    def test_once_the_table_is_filled_surveys_spread_over_all_ids_and_come_to_an_end(self) -> None:
        network, now, surveyed = make(nodes=30), NOW, []
        for _ in range(3 * SURVEY_LOOKUPS):
            now = max(network.next_deadline(), now)
            target = network.lookup_due(now)
            if target is not None:
                if network.is_surveying:
                    surveyed.append(target)
                ended(network, now, responses=8)
                assert not network.is_surveying
        assert sorted(target[0] * SURVEY_LOOKUPS // 256 for target in surveyed) == list(
            range(SURVEY_LOOKUPS)
        )

    def test_a_bucket_not_changed_in_15_minutes_is_refreshed(self) -> None:
        network = make(nodes=30)
        network.lookup_due(NOW)
        ended(network, NOW, responses=8)
        later, targets = NOW + SELF_LOOKUP_S - 1, []
        while (target := network.lookup_due(later)) is not None or later < NOW + SELF_LOOKUP_S + 60:
            if target is not None and target != network.own_id:
                targets.append(target)
            later += 1
            if target is not None and target == network.own_id:
                ended(network, later, responses=8)
        refreshed = {network.table.get_bucket_for(Contact(t, address(1))) for t in targets}
        assert refreshed == set(range(len(network.table.buckets)))


class TestPings:
    def test_a_node_that_queried_us_is_pinged_once(self) -> None:
        network = make()
        assert network.heard_of(node_id(5), address(1))
        assert network.pings_due(NOW) == [address(1)]
        assert network.pings_due(NOW + 1) == []

    def test_they_are_spaced_and_their_number_is_bounded(self) -> None:
        """A flood of spoofed queries must not make us ping the world (R5)."""
        network = make()
        heard = [network.heard_of(node_id(index), address(index)) for index in range(1000)]
        assert sum(heard) == UNVERIFIED_MAX
        assert len(network.pings_due(NOW)) == 1 and network.pings_due(NOW + 0.05) == []
        assert len(network.pings_due(NOW + 0.1)) == 1

    def test_who_would_not_fit_is_not_pinged(self) -> None:
        network = make(nodes=3)
        assert not network.heard_of(node_id(5), address(1))
        assert not network.heard_of(network.own_id, address(9))

    def test_questionable_nodes_are_pinged_before_15_more_minutes_have_passed(self) -> None:
        network = make(nodes=30)
        now, pinged = NOW + 15 * 60, set()
        while now < NOW + 25 * 60:
            for contact in network.pings_due(now):
                assert isinstance(contact, Contact)
                pinged.add(contact.id)
                network.table.replied(contact.id, contact.address, now, 0.1)
            now += PING_S / 25
        assert pinged == {contact.id for contact in network.table}

    def test_who_only_asks_us_proves_itself_again_in_time(self) -> None:
        network = make(nodes=30)
        for contact in network.table:
            contact.last_queried_at = NOW + 1
        now, pinged = NOW, set()
        while now < NOW + PROVEN_S:
            for whom in network.pings_due(now):
                assert isinstance(whom, Contact) and now >= NOW + RENEW_S
                assert whom.id not in pinged
                pinged.add(whom.id)
                network.table.replied(whom.id, whom.address, now, 0.1)
            now += PING_S / 25
        assert pinged == {contact.id for contact in network.table}

    def test_who_asks_us_and_never_answers_is_pinged_no_more_than_other_bad_nodes(self) -> None:
        network, pings = make(nodes=1), 0
        now = NOW
        while now < NOW + 3600:
            network.table.queried(next(iter(network.table)).id, address(0), now)
            for whom in network.pings_due(now):
                assert isinstance(whom, Contact)
                pings += 1
                network.table.failed(whom.address, now)
            now += 1
        assert pings == FAILURES_BAD


class TestExternalAddress:
    def voters(self, network: Network, count: int) -> list[Address]:
        """Contacts of the table that lookups found."""
        found = list(network.table)[:count]
        for contact in found:
            contact.vouched = True
        return [contact.address for contact in found]

    def test_the_id_follows_the_voted_address_and_the_table_is_kept(self) -> None:
        network = make(nodes=30)
        before, known = network.own_id, {contact.address for contact in network.table}
        votes = [network.heard_external(who, "5.6.7.8", NOW) for who in self.voters(network, 3)]
        assert votes == [None] * 3 and network.next_deadline() <= NOW + SETTLE_S
        assert network.elect(NOW + SETTLE_S) == "5.6.7.8" and network.own_id != before
        assert id_fits_host(network.own_id, "5.6.7.8")
        assert len({contact.address for contact in network.table} & known) >= 16
        assert network.lookup_due(NOW + SETTLE_S) == network.own_id  # find the new neighbours

    def test_an_id_that_fits_already_stays(self) -> None:
        network = make(nodes=30)
        voters = self.voters(network, 16)
        for at, who in enumerate(voters):
            network.heard_external(who, "5.6.7.8", NOW + at)
        first = network.own_id
        for who in voters:
            network.heard_external(who, "5.6.7.8", NOW + 3600)
        assert id_fits_host(first, "5.6.7.8") and network.own_id == first

    def test_false_votes_cause_at_most_one_change(self) -> None:
        network = make(nodes=60)
        voters, ids, rng = self.voters(network, 60), set(), random.Random(3)
        for index in range(3000):
            lie = f"9.{rng.randrange(3)}.1.1" if rng.random() < 0.5 else "5.6.7.8"
            network.heard_external(rng.choice(voters), lie, NOW + index)
            ids.add(network.own_id)
        assert len(ids) <= 2

    def test_who_was_merely_met_has_no_vote(self) -> None:
        """Liars close by answer first, and name each other."""
        network = make(nodes=30)
        for contact in list(network.table):
            network.heard_external(contact.address, "9.9.9.9", NOW)
        assert network.elect(NOW + SETTLE_S) is None and not network.vote.votes()

    def test_a_lookup_for_the_neighbours_of_an_old_id_is_over(self) -> None:
        network = make(nodes=8)
        network.upkeep = Lookup(network.own_id, "ipv4", PUBLIC, wants_peers=False)
        network.take_id(node_id(7), NOW)
        assert network.upkeep.is_finished(NOW)


def test_what_is_due_is_never_later_than_the_deadline_says() -> None:
    network, now = make(nodes=20), NOW
    for _ in range(300):
        now = max(network.next_deadline(), now)
        network.is_bootstrap_due(now, nobody_answers=False)
        network.pings_due(now)
        target = network.lookup_due(now)
        if target is not None:
            network.upkeep = Lookup(target, "ipv4", PUBLIC, wants_peers=False)
            network.lookup_ended(network.upkeep, now)
        assert network.next_deadline() > now


class TestSeen:
    def test_nodes_are_counted_and_told_by_their_state(self) -> None:
        network = make(nodes=4)
        silent, old = address(0), address(1)
        for _ in range(2):
            network.table.failed(silent, NOW)
        for index in (2, 3):
            found = network.table.at(address(index))
            assert found is not None
            found.replied(NOW + 1000, None)
        later = NOW + 1000
        stats = network.stats(later)
        assert (stats.nodes_good, stats.nodes_questionable, stats.nodes_bad) == (2, 1, 1)
        told = {node.address: node for node in network.node_stats(later)}
        assert told[str(silent)].state == "bad"
        assert told[str(old)].state == "questionable" and told[str(old)].replied_age_s == 1000
        good = told[str(address(2))]
        assert (good.state, good.rtt_s, good.replied_age_s) == ("good", 0.1, 0)
