"""Attacks on one search (BEP 5, Overview; BEP 42, Enforcement): it is led astray, or never ends.
Each returns whether it succeeds. D3, D4, D7 and D11 of design's table b8.
"""

import random

from tests.dht.makers import LOCAL, NOW, PUBLIC, address, node_id
from torrentd.dht.candidate import Candidate
from torrentd.dht.lookup import WINDOW, Lookup
from torrentd.dht.node_id import NodeId, node_id_for
from torrentd.wire.formats.address import Address

OWN = node_id(0)


def fitting(host: str, rng: random.Random) -> tuple[NodeId, Address]:
    return node_id_for(host, rng), Address(host, 6881)


def answered(lookup: Lookup, candidate: Candidate, named: list[tuple[NodeId, Address]]) -> None:
    assert candidate.node_id is not None
    lookup.answered(candidate, candidate.node_id, named, b"token")


def lookup_with(hosts: list[str]) -> Lookup:
    rng = random.Random(1)
    lookup = Lookup(OWN, "ipv4", PUBLIC, wants_peers=True)
    for host in hosts:
        who, where = fitting(host, rng)
        lookup.offer(where, who)
    return lookup


def all_asked(lookup: Lookup, named: list[tuple[NodeId, Address]]) -> list[Candidate]:
    """Let it run, everybody answering with the same."""
    asked: list[Candidate] = []
    while not lookup.is_finished(NOW) and (batch := lookup.next_queries(NOW)):
        for candidate in batch:
            asked.append(candidate)
            answered(lookup, candidate, named)
    return asked


def chosen_ids_end_a_search() -> bool:
    """Nodes right beside the target, whose ids BEP 42 does not allow, as many as are asked before
    eight of them have answered; and nobody else is asked."""
    honest = [address(index) for index in range(8)]
    lookup = lookup_with([each.host for each in honest])
    for index in range(2 * WINDOW):
        lookup.offer(address(100 + index), node_id(index + 1))
    return not any(candidate.address in honest for candidate in all_asked(lookup, []))


def chosen_ids_use_up_the_queries() -> bool:
    lookup = lookup_with([])
    for index in range(200):
        lookup.offer(address(index), node_id(index + 1))
    return len(all_asked(lookup, [])) > 40


def one_network_takes_all_places() -> bool:
    """64 addresses in one /24, tried until their ids lay close."""
    lookup = lookup_with([f"30.1.1.{index}" for index in range(1, 65)])
    all_asked(lookup, [])
    return len(lookup.closest()) > 1


def named_beside_an_honest_node() -> bool:
    """Dead nodes in the network of an honest one, under ids closer than any, keep it out."""
    rng = random.Random(8)
    who, honest = fitting("30.1.1.1", rng)
    lookup = lookup_with([])
    for index in range(2, 30):
        lookup.offer(Address(f"30.1.1.{index}", 6881), node_id(index))
    lookup.offer(honest, who)
    now, asked = NOW, dict[Address, None]()
    for _ in range(4):  # seconds that the search has
        asked |= {candidate.address: None for candidate in lookup.next_queries(now)}
        now += 0.5
        lookup.tick(now)
    return honest not in asked


def fast_liars_end_a_search() -> bool:
    """Eight name each other, close to the target, and answer before the first honest node does."""
    lookup = lookup_with([address(1).host, address(2).host])
    liar, honest = lookup.next_queries(NOW)
    liars = [near(100 + index) for index in range(8)]
    answered(lookup, liar, liars)
    all_asked(lookup, liars)
    if not lookup.is_finished(NOW):
        answered(lookup, honest, [near(50, zero_bits=3)])
    return not any(candidate.source is honest for candidate in lookup.next_queries(NOW))


def near(index: int, *, zero_bits: int = 8) -> tuple[NodeId, Address]:
    """Addresses were tried until the id that BEP 42 allows began with zeros."""
    rng = random.Random(index)
    while True:
        host = f"{30 + index}.{rng.randrange(250)}.{rng.randrange(250)}.1"
        who, where = fitting(host, rng)
        if int.from_bytes(who) >> (160 - zero_bits) == 0:
            return who, where


def endless_search(named_at_once: int) -> tuple[int, float]:
    """Whoever is asked names others that are closer, after a second. How many were asked, and for
    how long. On one machine every id is allowed, so that nothing else stops them."""
    lookup, port, now = Lookup(OWN, "ipv4", LOCAL, wants_peers=True), 1, NOW
    lookup.offer(Address("127.0.0.1", port), node_id(2**159))
    asked = 0
    while not lookup.is_finished(now) and asked < 200 and now < NOW + 100:
        for candidate in lookup.next_queries(now):
            asked += 1
            closer = []
            for index in range(named_at_once):
                port += 1
                fake = node_id(candidate.distance * 9 // 10 - index)
                closer.append((fake, Address("127.0.0.1", port)))
            answered(lookup, candidate, closer)
        now += 1.0
    return asked, now - NOW


def search_without_end() -> bool:
    return endless_search(8)[0] > 100


def search_for_minutes() -> bool:
    return endless_search(1)[1] > 62


def one_answer_names_hundreds() -> bool:
    lookup = lookup_with([address(1).host])
    [first] = lookup.next_queries(NOW)
    rng = random.Random(2)
    answered(lookup, first, [fitting(address(index).host, rng) for index in range(10, 70)])
    asked = 0
    while batch := lookup.next_queries(NOW):
        asked += len(batch)
        for candidate in batch:
            lookup.failed(candidate)
    return asked > 8
