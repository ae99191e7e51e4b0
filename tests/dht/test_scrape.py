"""BEP 33, as the asking side."""

from tests.dht.makers import (
    INFOHASH,
    NOW,
    address,
    befriend,
    dht_node,
    friends,
    node_id,
    queries,
    query,
    response,
    sent,
)
from torrentd.dht.bloom_filter import BloomFilter
from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response, decode_message
from torrentd.dht.lookup import WINDOW
from torrentd.dht.node import DhtNode
from torrentd.dht.outputs import Output, ScrapeEnded
from torrentd.dht.scrape import Scrape
from torrentd.wire.formats.address import Address, pack_address, pack_host
from torrentd.wire.formats.bencode import Bencoded, encode

NODE = Candidate(address(900), node_id(1), INFOHASH, None, None)


def filters(seeds: range, peers: range) -> dict[bytes, Bencoded]:
    made = {b"BFsd": BloomFilter(), b"BFpe": BloomFilter()}
    for key, indices in ((b"BFsd", seeds), (b"BFpe", peers)):
        for index in indices:
            made[key].add(pack_host(address(index).host))
    return {key: each.to_bytes() for key, each in made.items()}


def hear(scrape: Scrape, values: dict[bytes, Bencoded], peers: list[Address]) -> None:
    assert scrape.heard(NODE, Response(b"aa", node_id(1), values=values), peers, NOW) == []


def test_what_several_nodes_counted_is_united() -> None:
    scrape = Scrape(INFOHASH)
    hear(scrape, filters(range(10), range(50, 80)), [])
    hear(scrape, filters(range(5, 20), range(60, 90)), [])
    assert scrape.ended() == ScrapeEnded(INFOHASH, seeds=20, peers=40, nodes=2)


def test_values_of_an_older_node_are_peers_unless_they_are_seeds_elsewhere() -> None:
    """BEP 33, Handling legacy responses."""
    scrape = Scrape(INFOHASH)
    hear(scrape, {}, [address(index) for index in range(8)])
    hear(scrape, filters(range(3), range(100, 104)), [address(500)])
    hear(scrape, {}, [])
    assert scrape.ended() == ScrapeEnded(INFOHASH, seeds=3, peers=9, nodes=2)


def test_a_filter_that_is_full_or_none_is_left_out() -> None:
    scrape = Scrape(INFOHASH)
    good = filters(range(10), range(20, 25))
    lies: list[Bencoded] = [b"\xff" * 256, b"\xff" * 255, b"", 7, [b"\0" * 256], b"\0" * 257]
    for lie in lies:
        hear(scrape, {**good, b"BFsd": lie}, [])
        hear(scrape, {b"BFpe": lie}, [])
    assert scrape.ended() == ScrapeEnded(INFOHASH, seeds=0, peers=0, nodes=0)
    hear(scrape, good, [])
    assert scrape.ended() == ScrapeEnded(INFOHASH, seeds=10, peers=5, nodes=1)


def answer_all(
    node: DhtNode, out: list[Output], known: dict[Address, bytes], values: dict[bytes, Bencoded]
) -> list[Output]:
    waiting, told = queries(out), []
    while waiting:
        asked, to = waiting.pop(0)
        if asked.method == b"get_peers":
            got = node.receive_datagram(response(asked, {b"id": known[to], **values}), to, NOW)
            told += got
            waiting += queries(got)
    return told


def test_it_is_a_search_that_ends_with_the_count() -> None:
    node, known = dht_node(), friends(20)
    befriend(node, known)
    out = node.search(Scrape(INFOHASH), NOW)
    asked = [each for each, _ in queries(out)]
    assert len(asked) == WINDOW and all(each.arguments[b"scrape"] == 1 for each in asked)
    told = answer_all(node, out, dict(known), filters(range(4), range(10, 16)))
    [ended] = [output for output in told if isinstance(output, ScrapeEnded)]
    assert (ended.target, ended.seeds, ended.peers) == (INFOHASH, 4, 6) and ended.nodes >= 8
    assert node.stats(NOW).searches_running == 0


def test_it_runs_beside_a_search_for_peers_and_one_at_a_time() -> None:
    node = dht_node()
    befriend(node, friends(20))
    assert sent(node.get_peers(INFOHASH, NOW)) and sent(node.search(Scrape(INFOHASH), NOW))
    assert node.search(Scrape(INFOHASH), NOW) == []
    assert node.stats(NOW).searches_running == 2
    node.drop_search(Scrape(INFOHASH))  # an equal one is enough
    assert node.stats(NOW).searches_running == 1


def test_nodes_known_to_be_close_are_asked_first() -> None:
    node, known = dht_node(), friends(30)
    befriend(node, known)
    start = [(who, where) for where, who in list(known.items())[:3]]
    asked = queries(node.search(Scrape(INFOHASH, start), NOW))
    assert {to for _, to in asked} == {where for _, where in start}


def scraped(node: DhtNode, source: Address, now: float = NOW) -> list[Output]:
    return node.receive_datagram(
        query(b"get_peers", {b"info_hash": INFOHASH, b"scrape": 1}), source, now
    )


def test_a_stranger_that_scrapes_is_pinged_and_then_told() -> None:
    """Four times a scrape holds no two filters; whoever answers is no victim of it."""
    node, source = dht_node(), address(1)
    node._store.add(INFOHASH, address(2), node_id(0), NOW)  # as an announce would
    [reply] = sent(scraped(node, source))
    message = decode_message(reply.data)
    assert isinstance(message, Response) and b"BFsd" not in message.values
    [(ping, to)] = [each for each in queries(node.tick(NOW + 0.1)) if each[0].method == b"ping"]
    assert to == source
    size = len(query(b"get_peers", {b"info_hash": INFOHASH, b"scrape": 1}))
    pinged = encode({b"a": ping.arguments, b"q": b"ping", b"t": b"4444", b"v": b"4444", b"y": b"q"})
    assert len(reply.data) + len(pinged) <= 4 * size
    node.receive_datagram(response(ping, {b"id": node_id(9)}), source, NOW + 0.2)
    [reply] = sent(scraped(node, source, NOW + 0.3))
    message = decode_message(reply.data)
    assert isinstance(message, Response) and b"BFsd" in message.values and b"BFpe" in message.values


def test_a_search_for_peers_is_no_scrape() -> None:
    """Real nodes leave out `values` where they send filters."""
    node = dht_node()
    befriend(node, friends(20))
    asked = [each for each, _ in queries(node.get_peers(INFOHASH, NOW))]
    assert asked and not any(b"scrape" in each.arguments for each in asked)


def test_addresses_of_values_are_hosts_without_ports() -> None:
    scrape = Scrape(INFOHASH)
    for port in range(7000, 7020):
        hear(scrape, {}, [address(1, port)])
    assert scrape.ended().peers == 1
    assert pack_address(address(1, 1))[:-2] == pack_host(address(1).host)
