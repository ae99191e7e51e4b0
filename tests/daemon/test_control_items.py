"""The verbs of items and samples: what they take, and the documents they give."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession
from tests.dht.makers import signed
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_items import ItemVerbs, readable
from torrentd.daemon.control_lines import Json
from torrentd.daemon.control_params import Params
from torrentd.daemon.status import Refused
from torrentd.dht.outputs import SampleEnded
from torrentd.wire.formats.ids import InfoHash

HELLO = "e5f96f6f38320f0f33959cb4d3d656452117aadb"  # BEP 44, test 3


def run(session: FakeSession, method: str, params: dict[str, Json]) -> Document:
    async def answer() -> Document:
        verb = ItemVerbs(session).by_name[method]
        return (await verb(Params(method, params), Call(None, lambda: False))).document

    return asyncio.run(answer())


def test_what_is_put_is_got_by_its_hash() -> None:
    session = FakeSession()
    assert run(session, "dht put", {"text": "Hello World!"}) == {
        "target": HELLO,
        "stored": 8,
        "refusals": [],
    }
    found = run(session, "dht get", {"target": HELLO})
    assert (found["found"], found["value"], found["copies"]) == (True, "Hello World!", 1)
    assert run(session, "dht get", {"target": "00" * 20})["found"] is False


def test_an_item_of_an_owner_is_got_by_key_and_salt() -> None:
    session, item = FakeSession(), signed(b"d2:ih20:" + b"\xff" * 20 + b"e", seq=7, salt=b"n")
    session.dht.items.stored[item.target] = item
    found = run(session, "dht get", {"target": item.key.hex(), "salt": "6e"})
    assert found["value"] == {"ih": "ff" * 20} and found["seq"] == 7
    assert (found["key"], found["salt"]) == (item.key.hex(), "6e")
    assert run(session, "dht get", {"target": item.key.hex()})["found"] is False


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("dht get", {"target": "xyz"}),
        ("dht get", {"target": "ab" * 25}),
        ("dht get", {"target": "ab" * 32, "salt": "ab" * 65}),
        ("dht put", {"text": "x" * 997}),
        ("dht sample", {"target": "ab" * 19}),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, params: dict[str, Json]) -> None:
    with pytest.raises(Refused):
        run(FakeSession(), method, params)


def test_a_search_that_takes_too_long_is_refused() -> None:
    session = FakeSession()
    session.dht.items.answers = False
    for method, params in (
        ("dht get", {"target": HELLO}),
        ("dht put", {"text": "x"}),
        ("dht sample", dict[str, Json]()),
    ):
        with pytest.raises(Refused, match="takes too long"):
            run(session, method, dict(params))


def test_a_sample() -> None:
    session = FakeSession()
    session.dht.items.sampled = SampleEnded(bytes(20), [InfoHash(b"i" * 20)], nodes=3, stored=40)
    document = run(session, "dht sample", {"target": "00" * 20})
    assert document["infohashes"] == ["69" * 20] and document["infohashes_stored"] == 40


def test_values_of_any_kind_are_readable() -> None:
    assert readable([1, b"text", b"\xff", {b"k": b"a\nb"}]) == [1, "text", "ff", {"k": "610a62"}]
