"""A flood of valid queries from spoofed sources, and a quiet node that we know (T32, D9), in
virtual time: the flood takes what strangers may have, and nothing of what he may."""

import random

from tests.dht.makers import (
    NOW,
    THEIR_ID,
    address,
    befriend,
    dht_node,
    friends,
    queries,
    query,
    response,
)
from torrentd.dht.krpc import Response, decode_message
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import Output, SendDatagram
from torrentd.wire.formats.address import Address

QUIET = address(200)
NEIGHBOURS = 60
STEP_S = 0.05
FLOOD_PER_STEP = 100  # 2,000 a second: the budget answers fifty
PING = query(b"ping", {})
FIND_NODE = query(b"find_node", {b"target": bytes(20)}, sender=bytes(19) + b"s")


class Town:
    """One node of ours with a table, in it one that asks it now and then, and a flood. Everybody in
    the table answers what he is asked."""

    def __init__(self) -> None:
        self.node: DhtNode = dht_node()
        self.now = NOW
        self.asked = self.answered = 0
        self._rng = random.Random(32)
        self._ids = {QUIET: THEIR_ID, **friends(NEIGHBOURS)}
        befriend(self.node, self._ids)

    def run(
        self, seconds: float, *, ask_s: float, flood: bool = False, search_s: float | None = None
    ) -> float:
        """The share of his queries that is answered; every `search_s` we ask him something."""
        self.asked = self.answered = 0
        steps, ask, search = (
            int(seconds / STEP_S),
            int(ask_s / STEP_S),
            int((search_s or 0) / STEP_S),
        )
        for step in range(steps):
            self.now += STEP_S
            self._deliver(self.node.tick(self.now))
            if search and step % search == 0:
                self._deliver(self.node.ping(QUIET, self.now))
            for _ in range(FLOOD_PER_STEP * flood):
                self.node.receive_datagram(FIND_NODE, self._spoofed(), self.now)
            if step % ask == 0:
                self.asked += 1
                self._deliver(self.node.receive_datagram(PING, QUIET, self.now))
        return self.answered / self.asked

    def _deliver(self, outputs: list[Output]) -> None:
        """The quiet node counts the answers to it; queries are answered."""
        for output in outputs:
            if isinstance(output, SendDatagram) and output.address == QUIET:
                self.answered += isinstance(decode_message(output.data), Response)
        for asked, to in queries(outputs):
            answer = response(asked, {b"id": self._ids[to], b"nodes": b""})
            self._deliver(self.node.receive_datagram(answer, to, self.now))

    def _spoofed(self) -> Address:
        """Anywhere in 60.0.0.0/6, whose four /8s are public."""
        rng = self._rng
        return Address(f"{rng.randint(60, 63)}.{rng.randrange(256)}.{rng.randrange(256)}.9", 6881)


def test_whoever_answers_us_may_still_ask_his_share() -> None:
    """What he sends because we asked is not counted as a flood of his."""
    assert Town().run(60, ask_s=0.25, search_s=0.5) == 1.0


def test_a_known_node_is_answered_in_a_flood_of_valid_queries() -> None:
    town = Town()
    assert town.run(60, ask_s=0.25, search_s=0.5, flood=True) >= 0.9
    assert town.node.stats(town.now).dropped_budget > 60 * FLOOD_PER_STEP / STEP_S / 2


def test_a_node_that_keeps_asking_us_stays_proven() -> None:
    """It is good by its queries alone and never questionable: its proof is renewed all the same."""
    town = Town()
    town.run(25 * 60, ask_s=30)
    assert town.run(30, ask_s=0.25, flood=True) >= 0.9
