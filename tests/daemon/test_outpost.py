"""BEP 45: "separate, independent DHT nodes" at several addresses of one family."""

from pathlib import Path

from tests.daemon.session_room import run, until
from tests.daemon.test_discovery import PING, Node, room
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import get_bytes, get_dict


def test_each_address_has_an_id_of_its_own_and_answers_from_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            ids: dict[Address, bytes | None] = {}
            for endpoint in (*there.endpoints, *there.endpoints):
                with Node() as node:
                    node.say(PING, endpoint.bound)
                    answer, source = await node.hear()
                    assert source == endpoint.bound
                    own_id = get_bytes(get_dict(answer, b"r") or {}, b"id")
                    assert ids.setdefault(endpoint.bound, own_id) == own_id is not None
            first, second = ids.values()
            assert first != second and first is not None and second is not None
            assert first[:3] != second[:3]  # "vastly separated"
            assert there.discovery.status().families[0].node_id == first.hex()

    run(scenario())


def test_a_further_one_joins_through_what_the_first_knows(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            with Node() as node:
                there.discovery.add_node(node.address)
                await node.answer(nodes=b"")
                await until(lambda: there.discovery.status().nodes_good == 1)
                outpost = there.discovery._outposts.at(there.endpoints[1])
                assert outpost is not None
                outpost._tick(outpost._node.next_deadline() or 0.0)
                _, source = await node.hear()
                while source != there.endpoints[1].bound:
                    _, source = await node.hear()

    run(scenario())


def test_when_the_first_address_is_gone_the_next_one_searches(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with room(tmp_path) as there:
            there.endpoints[0].close()
            await until(lambda: not there.endpoints[0].is_open)
            with Node() as node:
                node.say(PING, there.endpoints[1].bound)
                answer, _ = await node.hear()
                own_id = get_bytes(get_dict(answer, b"r") or {}, b"id")
                assert own_id is not None
                assert there.discovery.status().families[0].node_id == own_id.hex()

    run(scenario())
