"""Attacks on one DhtNode and its rooms (BEP 5, 32, 42): each returns whether it succeeds.

An attack knows nothing of the defence. Most are of design's table b8, whose numbers are in
guards.py; the network around the node is made of words alone.
"""

import random
from collections.abc import Iterator

from tests.dht.makers import (
    INFOHASH,
    NOW,
    PUBLIC,
    address,
    address6,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    query,
    response,
    sent,
)
from torrentd.config.schema import Limits
from torrentd.dht.contact import Contact
from torrentd.dht.external_address import SETTLE_S, ExternalAddressVote
from torrentd.dht.krpc import Query, Response, decode_message
from torrentd.dht.network import Network
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import BootstrapWanted, ExternalAddressChanged, Output, PeersFound
from torrentd.dht.peer_store import PeerStore
from torrentd.dht.routing_table import RoutingTable
from torrentd.dht.snapshot import decode_snapshot, encode_snapshot
from torrentd.wire.formats.address import Address, pack_address, unpack_host
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import ProtocolError

OWN = node_id(0)
LAVISH = Limits(dht_upload_bytes_per_s_max=10_000_000, dht_datagrams_per_source_per_s_max=5000)
GET_PEERS = query(b"get_peers", {b"info_hash": INFOHASH})
PROVEN = address(4000)
LATER_S = 11 * 60.0


# D1: a victim's address is spoofed, and our answers hit the victim.


def loaded() -> DhtNode:
    """Full tables, many peers."""
    node = dht_node(families=("ipv4", "ipv6"), limits=LAVISH)
    befriend(node, friends(60))
    befriend(node, {address6(index): node_id(index << 150 | 1) for index in range(60)})
    for index in range(100):
        assert announce(node, address(2000 + index))
    return node


def kinds_of_query() -> list[bytes]:
    both: list[Bencoded] = [b"n4", b"n6"]
    target: dict[bytes, Bencoded] = {b"target": INFOHASH}
    infohash: dict[bytes, Bencoded] = {b"info_hash": INFOHASH}
    queries_in: list[bytes] = [query(b"ping", {}), query(b"vote", {}), query(b"announce_peer", {})]
    for wanted in ([], [b"n4"], [b"n6"], both):
        queries_in.append(query(b"find_node", target | {b"want": list(wanted)}))
        queries_in.append(query(b"get_peers", infohash | {b"want": list(wanted)}))
    queries_in.append(query(b"find_node", target))
    queries_in.append(GET_PEERS)
    queries_in.append(query(b"get_peers", infohash | {b"scrape": 1}))
    queries_in.append(query(b"get_peers", infohash | {b"noseed": 1}))
    queries_in.append(query(b"get", target))
    queries_in.append(query(b"sample_infohashes", target))
    return queries_in


def amplifies() -> bool:
    """More than four bytes for one, at a victim that never said anything; pings count too."""
    node = loaded()
    for index, data in enumerate(kinds_of_query()):
        for victim in (address(3000 + index), address6(3000 + index)):
            out = node.receive_datagram(data, victim, NOW)
            for step in range(20):
                out += node.tick(NOW + step / 10)
            hit = sum(len(datagram.data) for datagram in sent(out) if datagram.address == victim)
            if hit > 4 * len(data):
                return True
    return False


def many_values_for_padding() -> bool:
    """A long query earns a long answer, but not a list of peers to send it to."""
    node = loaded()
    data = query(b"get_peers", {b"info_hash": INFOHASH, b"padding": bytes(600)})
    reply = decode_message(sent(node.receive_datagram(data, address(3000), NOW))[0].data)
    assert isinstance(reply, Response)
    return len(reply.peers) > 10


def proof_lasts() -> bool:
    """An address that was proven once is somebody else's by now."""
    node = loaded()
    assert announce(node, PROVEN)
    out = sent(node.receive_datagram(GET_PEERS, PROVEN, NOW + LATER_S))
    return len(out[0].data) > 4 * len(GET_PEERS)


def flood_of_strangers(seconds: int = 20) -> tuple[DhtNode, int]:
    """A thousand queries a second, each from another address; the bytes they are answered with."""
    node = dht_node(limits=Limits(dht_upload_bytes_per_s_max=16_000))
    befriend(node, friends(60))
    out_bytes = 0
    for index in range(1000 * seconds):
        source = Address(f"60.{index % 250}.{index // 250 % 250}.1", 6881)
        out = node.receive_datagram(GET_PEERS, source, NOW + index / 1000)
        out_bytes += sum(len(datagram.data) for datagram in sent(out))
    return node, out_bytes


def out_of_budget() -> bool:
    _, out_bytes = flood_of_strangers()
    return out_bytes > 1.05 * 16_000 * 20 + 2 * 16_000


def strangers_silence_friends() -> bool:
    node, _ = flood_of_strangers(5)
    friend = next(iter(friends(60)))
    return not sent(node.receive_datagram(GET_PEERS, friend, NOW + 5))


# D2: announces in the name of others.


def token_for(
    node: DhtNode, source: Address, now: float = NOW, infohash: bytes = INFOHASH
) -> bytes:
    data = query(b"get_peers", {b"info_hash": infohash})
    message = decode_message(sent(node.receive_datagram(data, source, now))[0].data)
    assert isinstance(message, Response) and message.token is not None
    return message.token


def announce(
    node: DhtNode,
    source: Address,
    token: bytes | None = None,
    *,
    now: float = NOW,
    infohash: bytes = INFOHASH,
    port: Bencoded = 7000,
) -> bool:
    token = token_for(node, source, now, infohash) if token is None else token
    given: dict[bytes, Bencoded] = {b"info_hash": infohash, b"port": port, b"token": token}
    out = sent(node.receive_datagram(query(b"announce_peer", given), source, now))
    return bool(out) and isinstance(decode_message(out[0].data), Response)


def token_replayed() -> bool:
    node = dht_node(limits=LAVISH)
    return announce(node, address(1), token_for(node, address(1)), now=NOW + LATER_S)


def token_of_another_host() -> bool:
    node = dht_node(limits=LAVISH)
    return announce(node, address(2), token_for(node, address(1)))


def token_of_another_infohash() -> bool:
    node = dht_node(limits=LAVISH)
    return announce(node, address(1), token_for(node, address(1)), infohash=bytes(20))


def token_guessed() -> bool:
    node, rng = dht_node(limits=LAVISH), random.Random(1)
    size = len(token_for(node, address(1)))
    guesses = (rng.randbytes(size) for _ in range(3000))
    return any(announce(node, address(n % 90), guess) for n, guess in enumerate(guesses))


# D5: answers that are none.


def searching(node: DhtNode) -> list[tuple[Query, Address]]:
    return [(q, to) for q, to in queries(node.get_peers(INFOHASH, NOW)) if q.method == b"get_peers"]


def tells_peers(outputs: list[Output]) -> bool:
    return any(isinstance(output, PeersFound) for output in outputs)


def lying_answer(asked: Query, who: bytes, **more: Bencoded) -> bytes:
    values: dict[bytes, Bencoded] = {b"id": who, b"values": [pack_address(address(666))]}
    return response(asked, values, **more)


def transaction_id_guessed() -> bool:
    """The address of a node that was asked is spoofed, and all ids of one byte are tried."""
    node, known = dht_node(limits=LAVISH), friends(20)
    befriend(node, known)
    asked, to = searching(node)[0]
    for guess in range(256):
        made_up = Query(bytes([guess]), asked.method, asked.arguments, asked.node_id)
        if tells_peers(node.receive_datagram(lying_answer(made_up, known[to]), to, NOW)):
            return True
    return False


def answered_from_elsewhere() -> bool:
    """A neighbour on the way saw the query, and answers from another port."""
    node, known = dht_node(), friends(20)
    befriend(node, known)
    asked, to = searching(node)[0]
    elsewhere = to._replace(port=to.port + 1)
    return tells_peers(node.receive_datagram(lying_answer(asked, known[to]), elsewhere, NOW))


def answered_by_another() -> bool:
    """Under an id that BEP 42 does not allow there, beside the target."""
    node = dht_node()
    befriend(node, friends(20))
    asked, to = searching(node)[0]
    return tells_peers(node.receive_datagram(lying_answer(asked, INFOHASH), to, NOW))


def queries_without_bound() -> bool:
    node = dht_node()
    for index in range(2000):
        node.ping(address(index), NOW)
    return node.stats(NOW).queries_pending > 512


def peers_name_nodes_until_searches_starve() -> bool:
    """PORT messages, one port after the other."""
    node = dht_node()
    befriend(node, friends(20))
    for port in range(1, 2000):
        node.add_node(address(1, port=port), NOW)
    return not searching(node)


# D6, D8, D16: what is announced to us.


def store_of(limits: Limits | None = None) -> PeerStore:
    return PeerStore(limits or Limits(), PUBLIC, random.Random(1))


def ports_of_other_services() -> bool:
    """Whoever finds us is sent to somebody's mail server."""
    node = dht_node(limits=LAVISH)
    return any(
        announce(node, address(1), port=port) for port in (0, 1, 22, 25, 53, 1023, 65536, -1)
    )


def many_ports_of_a_host() -> bool:
    store = store_of()
    for port in range(2000, 2100):
        store.add(INFOHASH, address(1, port=port), OWN, NOW)
    return len(store) > 1


def many_addresses_of_a_64() -> bool:
    store = store_of()
    for index in range(100):
        store.add(INFOHASH, Address(f"2a00:1:2:3::{index:x}", 7000), OWN, NOW)
    return len(store) > 1


def infohashes_without_bound() -> bool:
    store, rng = store_of(), random.Random(2)
    for index in range(5000):
        store.add(rng.randbytes(20), address(index), OWN, NOW)
    return store.infohash_count > 2000


def peers_without_bound() -> bool:
    store = store_of()
    for index in range(1000):
        store.add(INFOHASH, address(index), OWN, NOW)
    return len(store) > 200


def a_network_pushes_out_the_peers_of_an_infohash() -> bool:
    store = store_of()
    honest = [address(index) for index in range(150)]
    for peer in honest:
        store.add(INFOHASH, peer, OWN, NOW)
    for index in range(256):
        store.add(INFOHASH, Address(f"20.1.1.{index}", 7000), OWN, NOW)
    return not set(honest) <= set(store.peers(INFOHASH, NOW))


def a_network_pushes_out_all_infohashes() -> bool:
    """With infohashes right beside our id, of which everybody can learn."""
    store = store_of()
    for number in range(2000):
        store.add(node_id(1 << 150 | number), address(number), OWN, NOW)
    for number in range(1, 2001):
        store.add(node_id(number), Address(f"20.1.1.{number % 256}", 7000), OWN, NOW)
    return not any(store.has(node_id(1 << 150 | number)) for number in range(2000))


def tokens_for_what_is_not_stored() -> bool:
    """BEP 5 has no way to say "full": whoever gets a token believes that he is found with us."""
    node = dht_node(limits=Limits(dht_infohashes_stored_max=1))
    own_id = bytes.fromhex(node.stats(NOW).families[0].node_id)
    announce(node, address(1), infohash=own_id[:19] + b"x")
    far = bytes(byte ^ 0xFF for byte in own_id)
    data = query(b"get_peers", {b"info_hash": far})
    reply = decode_message(sent(node.receive_datagram(data, address(2), NOW))[0].data)
    return isinstance(reply, Response) and reply.token is not None


# D7, D12, D13, D14: where we are sent.

EXTERNAL = Address("5.6.7.8", 6881)
FORBIDDEN = [Address("127.0.0.1", 6881), Address("10.0.0.1", 80), Address("224.0.0.1", 6881)]


def told(values: dict[bytes, Bencoded], *, external: bool = False) -> list[Output]:
    """What comes of one answer in a search; `external`: the node knows its own address."""
    node, known = dht_node(), friends(4)
    if external:
        befriend(node, {address(300 + n): node_id(n + 1) for n in range(3)},
                 ip=pack_address(EXTERNAL))  # fmt: skip
    befriend(node, known)
    asked, to = next((q, to) for q, to in searching(node) if to in known)
    return node.receive_datagram(response(asked, {b"id": known[to], **values}), to, NOW)


def sent_to(outputs: list[Output], hosts: list[Address]) -> bool:
    return any(datagram.address in hosts for datagram in sent(outputs))


def named_forbidden_nodes() -> bool:
    nodes = b"".join(INFOHASH[:19] + bytes([n]) + pack_address(a) for n, a in enumerate(FORBIDDEN))
    return sent_to(told({b"nodes": nodes}), FORBIDDEN)


def told_forbidden_peers() -> bool:
    return tells_peers(told({b"values": [pack_address(each) for each in FORBIDDEN]}))


def sent_to_ourselves() -> bool:
    return sent_to(told({b"nodes": INFOHASH + pack_address(EXTERNAL)}, external=True), [EXTERNAL])


def told_two_hundred_peers_more() -> bool:
    values = [bytes([60, index, 1, 1, 26, 225]) for index in range(230)]
    found = [output for output in told({b"values": list(values)}) if isinstance(output, PeersFound)]
    return sum(len(output.peers) for output in found) > 200


def our_own_answers_reflected() -> bool:
    """A query that seems to come from ourselves is answered, and that answer comes to us."""
    node = dht_node()
    befriend(node, friends(3), ip=pack_address(EXTERNAL))
    return bool(sent(node.receive_datagram(GET_PEERS, EXTERNAL, NOW)))


def nodes_in_a_hostile_snapshot() -> bool:
    network = Network("ipv4", PUBLIC, random.Random(1), random.Random(2), NOW)
    for number, where in enumerate(FORBIDDEN):
        contact = Contact(node_id(1 << 159 | number), where)
        contact.last_replied_at = NOW
        network.table.restore(contact, NOW)
    node = dht_node(snapshot=encode_snapshot({"ipv4": network}, NOW))
    return sent_to(node.tick(NOW) + node.tick(NOW + 1), FORBIDDEN)


def damaged_snapshot_is_believed() -> bool:
    node = dht_node()
    befriend(node, friends(20))
    saved = node.snapshot(NOW)
    at = saved.index(b"5:nodes") + 40
    try:
        return bool(decode_snapshot(saved[:at] + bytes([saved[at] ^ 1]) + saved[at + 1 :]))
    except ProtocolError:
        return False


def bootstrap_hosts_that_are_none() -> bool:
    """A name server lies."""
    return sent_to(dht_node().bootstrap(FORBIDDEN, NOW), FORBIDDEN)


def bootstrap_hosts_hammered() -> bool:
    """Nobody answers for an hour: how often are those few hosts asked?"""
    node, wanted, now = dht_node(), 0, NOW
    while now < NOW + 3600:
        wanted += sum(isinstance(output, BootstrapWanted) for output in node.tick(now))
        now = max(node.next_deadline() or now, now + 0.1)
    return wanted > 240


# D9, D10, D18: a flood, the table, and our own address.


def one_host_floods() -> bool:
    node = dht_node(limits=Limits(dht_upload_bytes_per_s_max=10_000_000))
    answers = [node.receive_datagram(GET_PEERS, address(1, port=1 + n), NOW) for n in range(500)]
    return sum(map(bool, answers)) > 50


def floods_in_the_name_of_a_node_that_was_asked() -> bool:
    node = dht_node(limits=Limits(dht_upload_bytes_per_s_max=10_000_000))
    node.ping(address(1), NOW)
    answers = [node.receive_datagram(GET_PEERS, address(1), NOW) for _ in range(500)]
    return sum(map(bool, answers)) > 50


def garbage_is_decoded() -> bool:
    node, rng = dht_node(), random.Random(1)
    for index in range(500):
        node.receive_datagram(rng.randbytes(100), address(index), NOW)
    return node.stats(NOW).dropped_malformed > 0


def table() -> RoutingTable:
    return RoutingTable(OWN, PUBLIC, NOW)


def strangers_enter_the_table() -> bool:
    """By asking alone, from addresses that are not theirs."""
    node = dht_node(limits=LAVISH)
    for index in range(500):
        node.receive_datagram(query(b"ping", {}, sender=node_id(index + 1)), address(index), NOW)
    return node.stats(NOW).nodes_good + node.stats(NOW).nodes_questionable > 0


def one_network_fills_the_table() -> bool:
    full = table()
    for index in range(64):
        full.replied(node_id(index << 140 | 1), Address(f"30.1.1.{index}", 6881), NOW, 0.1)
    return len(full) > 1


def one_48_fills_the_table() -> bool:
    full = table()
    for index in range(64):
        host = unpack_host((0x2A00_0001_0002_0000 + index).to_bytes(8) + bytes(8))
        full.replied(node_id(index << 140 | 1), Address(host, 6881), NOW, 0.1)
    return len(full) > 1


def votes(said: Iterator[tuple[str, str, float]]) -> int:
    """How often our address changes by what nodes say of it."""
    vote = ExternalAddressVote()
    changes, at = 0, NOW
    for voter, host, at in said:
        vote.add(voter, host, at)
        changes += vote.elect(at) is not None
    return changes + (vote.elect(at + SETTLE_S) is not None)


def one_liar_changes_our_address() -> bool:
    node = dht_node()
    out = befriend(node, friends(1), ip=pack_address(EXTERNAL))
    return any(isinstance(output, ExternalAddressChanged) for output in out)


def one_network_changes_our_address() -> bool:
    return votes((f"30.1.{index}.1", "9.9.9.9", NOW) for index in range(200)) > 0


def our_address_flaps() -> bool:
    """All voters say one thing, and a minute later another, for an hour."""
    return votes(
        (f"30.{index}.1.1", f"9.9.9.{minute % 2 + 1}", NOW + 60 * minute)
        for minute in range(60)
        for index in range(32)
    ) > 60 / 10 + 1  # fmt: skip


def half_of_the_voters_lie() -> bool:
    rng = random.Random(3)
    honest = [(f"30.{index}.1.1", "5.6.7.8", NOW) for index in range(3)]
    others = (
        (f"{31 + rng.randrange(60)}.{rng.randrange(250)}.1.1",
         rng.choice(("5.6.7.8", "9.9.9.9")), NOW + second)
        for second in range(3600)
    )  # fmt: skip
    return votes(iter([*honest, *others])) > 1
