"""Nodes of the mainline network that lie together (T25; GLOBECOM '12, BEP 42).

Every one of them answers at once, without peers, with a false address for whoever asks, and with
eight nodes that lead away from the truth. Where they stand, what ids they claim and whom they name
is their plan. An attacker has one address in each network, and for each the ids that BEP 42 allows
there; one that claims another id than the tables know it by does so at a port of its own.
"""

import random
from enum import Enum, auto
from functools import lru_cache

from tests.sim.mainline import BUCKET, Fate, Inhabitant, Mainline, respond
from torrentd.dht.krpc import (
    Arguments,
    FindNode,
    GetPeers,
    Query,
    decode_arguments,
    decode_message,
    encode_query,
)
from torrentd.dht.node_id import crc32c, distance, node_id_for
from torrentd.wire.formats.address import Address, pack_address, pack_host
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

FALSE_ADDRESS = Address("9.9.9.9", 6881)
NEAR_S = 0.004  # their share of a trip: they stand close by, and answer first
REGION = 64  # nodes: what "around the target" means


class Plan(Enum):
    OWN_IDS = auto()  # one id each, as BEP 42 allows it
    BEST_IDS = auto()  # for each target the closest of the eight prefixes that BEP 42 allows
    ANY_IDS = auto()  # right beside the target, whatever BEP 42 says
    MASKS = auto()  # honest nodes by their addresses under false ids


class Conspiracy:
    def __init__(self, world: Mainline, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.rng = random.Random(world.rng.getrandbits(64))
        self.members: list[Inhabitant] = []
        self.claims: dict[Inhabitant, Address] = {}  # where each plays another node
        self.asked = 0
        self._closest = lru_cache(8)(self._closest_members)
        self._masks = lru_cache(8)(self._masks_of)

    def join(self, address: Address, node_id: bytes) -> None:
        member = self.world.move_in(address, node_id, Fate.LIVING)
        assert member.host is not None
        member.host.delay_s = NEAR_S
        member.speak = lambda query, arguments, source: self._lie(member, query, arguments)
        self.members.append(member)
        other = self.claims[member] = address._replace(port=address.port ^ 1)
        self.world.network.attach(
            other,
            lambda data, source: self._receive_as_claimed(member, data, source),
            delay_s=NEAR_S,
        )

    def disband(self) -> None:
        """All of them leave, and the crowd forgets them."""
        for member in self.members:
            self.world.move_out(member)
            self.world.network.hosts[self.claims[member]].is_dead = True
        self.world.forget_tables()

    def knock(self, count: int) -> None:
        """Ask every real node something, to be pinged and to enter its table."""
        for node in self.world.settled:
            for member in self.rng.sample(self.members, min(count, len(self.members))):
                data = encode_query(b"x", b"ping", {b"id": member.node_id}, read_only=False)
                self.world.network.send(data, member.address, node.address)

    def claim(self, member: Inhabitant, target: bytes) -> bytes:
        match self.plan:
            case Plan.BEST_IDS:
                return best_id(member.address.host, target)
            case Plan.ANY_IDS:
                return target[:18] + pack_address(member.address)[1:3]
        return member.node_id

    def _receive_as_claimed(self, member: Inhabitant, data: bytes, source: Address) -> None:
        message = decode_message(data)
        if isinstance(message, Query):
            answer = self._lie(member, message, decode_arguments(message), claims=True)
            self.world.network.send(answer, self.claims[member], source)

    def _lie(
        self, member: Inhabitant, query: Query, arguments: Arguments, *, claims: bool = False
    ) -> bytes:
        self.asked += 1
        values: dict[bytes, Bencoded] = {b"id": member.node_id}
        target: bytes | None = None
        match arguments:
            case GetPeers():
                target = arguments.infohash
                values[b"token"] = b"liar"
            case FindNode():
                target = arguments.target
        if target is not None:
            values[b"nodes"] = self._named(target)
            if claims:
                values[b"id"] = self.claim(member, target)
        return respond(query.transaction_id, values, FALSE_ADDRESS)

    def _named(self, target: bytes) -> bytes:
        if self.plan is Plan.MASKS:
            return self._masks(target)
        among = self._closest(target)
        return b"".join(
            self.claim(member, target) + pack_address(self._played_at(member))
            for member in self.rng.sample(among, min(BUCKET, len(among)))
        )

    def _played_at(self, member: Inhabitant) -> Address:
        return member.address if self.plan is Plan.OWN_IDS else self.claims[member]

    def _closest_members(self, target: bytes) -> list[Inhabitant]:
        """Twice as many as a reply holds, so that two liars together name sixteen."""
        ordered = sorted(self.members, key=lambda m: distance(self.claim(m, target), target))
        return ordered[: 2 * BUCKET]

    def _masks_of(self, target: bytes) -> bytes:
        """The honest nodes closest to the target, each made known under an id beside it."""
        honest = [node for node in self.world.closest(target, 2 * REGION) if node.speak is None]
        return b"".join(
            target[:19] + bytes([index]) + pack_address(node.address)
            for index, node in enumerate(honest[:BUCKET])
        )


def everywhere(world: Mainline, share: float, plan: Plan) -> Conspiracy:
    """That share of all living nodes, in the tables of the others like anyone."""
    conspiracy = Conspiracy(world, plan)
    for _ in range(round(world.crowd.living * share / (1 - share))):
        address = world.new_address()
        conspiracy.join(address, node_id_for(address.host, conspiracy.rng))
    return conspiracy


def around(world: Mainline, target: InfoHash, share: float, plan: Plan) -> Conspiracy:
    """That share of the living nodes around the target; every id is one that BEP 42 allows."""
    conspiracy = Conspiracy(world, plan)
    honest = world.closest(target, REGION)
    edge = distance(honest[-1].node_id, target)
    while len(conspiracy.members) < round(REGION * share / (1 - share)):
        address = world.new_address()
        node_id = best_id(address.host, target)
        if distance(node_id, target) <= edge:
            # anywhere in the region: what follows the first 21 bits is free
            conspiracy.join(address, node_id)
    world.forget_tables()
    return conspiracy


def best_id(host: str, target: bytes) -> bytes:
    """The closest to the target of the ids that BEP 42 allows at this address."""
    candidates = [
        prefix + target[3:19] + bytes([target[19] & 0xF8 | last])
        for last, prefix in enumerate(_prefixes(host, target[2] & 7))
    ]
    return min(candidates, key=lambda node_id: distance(node_id, target))


@lru_cache(100_000)
def _prefixes(host: str, low: int) -> list[bytes]:
    """BEP 42, IPv4: `crc32c((ip & 0x030f3fff) | (r << 29))`, of which 21 bits count."""
    masked = int.from_bytes(pack_host(host), "big") & 0x030F3FFF
    prefixes = []
    for last in range(8):
        crc = crc32c((masked | last << 29).to_bytes(4, "big"))
        prefixes.append((crc >> 8 & 0xFFFFF8 | low).to_bytes(3, "big"))
    return prefixes
