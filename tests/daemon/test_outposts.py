"""BEP 45: nodes at further addresses search, announce and are kept, each as itself."""

from pathlib import Path

import pytest

from tests.daemon.session_room import run, until
from tests.daemon.test_discovery import Node, Room, room
from torrentd.daemon import outposts
from torrentd.daemon.outposts import read_snapshot
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded, encode, get_bytes, get_dict
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"mnopqrstuvwxyz123456")
PEER = Address("127.0.0.9", 7000)


async def announced(there: Room, node: Node) -> dict[Address, bytes]:
    """Answers all, until both of our nodes have announced to it: from where, and under which id."""
    found: dict[Address, bytes] = {}
    answer: dict[bytes, Bencoded] = {
        b"id": b"n" * 20,
        b"nodes": b"",
        b"token": b"t",
        b"values": [pack_address(PEER)],
    }
    while len(found) < 2:
        query, source = await node.hear()
        node.say(encode({b"r": answer, b"t": query[b"t"], b"y": b"r"}), source)
        if get_bytes(query, b"q") == b"announce_peer":
            found[source] = get_bytes(get_dict(query, b"a") or {}, b"id") or b""
    return found


def test_each_address_searches_and_announces_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outposts, "SPACING_S", 0.05)

    async def scenario() -> None:
        async with room(tmp_path) as there:
            with Node() as node:
                there.discovery.add_node(node.address)
                there.discovery.get_peers(INFOHASH, announce=True)
                found = await announced(there, node)
                assert set(found) == {endpoint.bound for endpoint in there.endpoints}
                status = there.discovery.status()
                assert found[there.endpoints[0].bound].hex() == status.families[0].node_id
                [further] = status.further
                assert found[there.endpoints[1].bound].hex() == further.node_id
                assert further.listens_at == str(there.endpoints[1].bound)
                assert (INFOHASH, [PEER]) in there.found

    run(scenario())


def test_what_people_see_is_of_all_addresses(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            with Node() as node:
                there.discovery.add_node(node.address)
                addresses = {str(endpoint.bound) for endpoint in there.endpoints}
                while {known.listens_at for known in there.discovery.nodes()} != addresses:
                    query, source = await node.hear()
                    answer: dict[bytes, Bencoded] = {b"id": b"n" * 20, b"nodes": b""}
                    node.say(encode({b"r": answer, b"t": query[b"t"], b"y": b"r"}), source)
                status = there.discovery.status()
                assert status.nodes_good == 2
                assert [status.families[0].nodes_good, status.further[0].nodes_good] == [1, 1]

    run(scenario())


def test_ids_of_all_addresses_are_those_of_the_last_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            before = there.discovery.status()
            kept = there.discovery.snapshot()
            assert kept is not None and len(read_snapshot(kept)[1]) == 1
            there.discovery.close()
            there.discovery.start(there.endpoints, kept)
            after = there.discovery.status()
            assert after.families[0].node_id == before.families[0].node_id
            assert after.further[0].node_id == before.further[0].node_id

    run(scenario())


def test_an_address_that_is_gone_rests_and_comes_back_as_the_same_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            second = there.endpoints[1]
            [before] = there.discovery.status().further
            second.shut()
            await until(lambda: not second.is_open)
            assert there.discovery.status().further == []
            there.discovery.get_peers(INFOHASH, announce=False)  # nobody answers: all would search
            second.open()
            there.discovery.rejoin()
            [after] = there.discovery.status().further
            assert after.node_id == before.node_id

    run(scenario())


@pytest.mark.parametrize("data", [None, b"", b"de", b"i1e", b"d4:body0:5:check0:e", bytes(40)])
def test_what_is_no_set_of_nodes_is_the_own_node_s(data: bytes | None) -> None:
    """Of a run with one address, of an older version, or damaged: that node finds out."""
    assert read_snapshot(data) == (data, {})
