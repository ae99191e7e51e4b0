"""The verbs of the DHT: which question each asks, which document it returns."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs
from torrentd.dht.stats import NodeStats, SearchStats

NODE = NodeStats("ipv4", "ab" * 20, "192.0.2.1:6881", "good", 0.1, 2.0, True)


def run(session: FakeSession, method: str, params: dict[str, Json] | None = None) -> Document:
    call = Call(None, lambda: False)
    return asyncio.run(Verbs(session).run(method, params or {}, call)).document


@pytest.mark.parametrize("method", ["dht", "dht status"])
def test_status_is_flat_and_lists_the_searches(method: str) -> None:
    session = FakeSession()
    session.dht.search_list = [SearchStats("c9" * 20, False, 3, 2, 1)]
    document = run(session, method)
    assert document["nodes_good"] == 123 and document["searches"] == session.dht.search_list


def test_nodes() -> None:
    session = FakeSession()
    session.dht.node_list = [NODE]
    assert run(session, "dht nodes") == {"nodes": [NODE]}


@pytest.mark.parametrize("method", ["dht", "dht status", "dht nodes"])
def test_an_unknown_parameter_is_refused(method: str) -> None:
    with pytest.raises(LineError):
        run(FakeSession(), method, {"bogus": 1})
