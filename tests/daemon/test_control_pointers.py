"""The verbs of mutable torrents: what they take, and the documents they give."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession
from tests.dht.makers import signed
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_params import Params
from torrentd.daemon.control_pointers import PointerVerbs
from torrentd.daemon.status import Refused
from torrentd.dht.items import MutableItem
from torrentd.dht.signatures import is_signed

KEY = "ab" * 32
ITEM = signed(b"d2:ih20:" + b"i" * 20 + b"e", seq=7, salt=b"n")
SIGNED: dict[str, Json] = {
    "key": ITEM.key.hex(),
    "salt": "6e",
    "seq": 7,
    "infohash": "69" * 20,
    "signature": ITEM.signature.hex(),
}


def run(session: FakeSession, method: str, params: dict[str, Json]) -> Document:
    async def answer() -> Document:
        verb = PointerVerbs(session).by_name[method]
        return (await verb(Params(method, params), Call(None, lambda: False))).document

    return asyncio.run(answer())


def test_follow_lists_and_unfollow_ends() -> None:
    session, uri = FakeSession(), f"magnet:?xs=urn:btpk:{KEY}&s=6e"
    expected = {
        "magnet": uri,
        "key": KEY,
        "salt": "6e",
        "followed": True,
        "seq": None,
        "infohash": None,
    }
    assert run(session, "follow", {"uri": uri, "dir": "/srv"}) == {"pointers": [expected]}
    assert session.pointers.pointers[0].download_dir == "/srv"
    assert run(session, "follow", {}) == {"pointers": [expected]}
    assert run(session, "unfollow", {"key": KEY}) == {"pointers": [expected]}
    assert run(session, "follow", {}) == {"pointers": []}


def test_publish_hands_on_what_was_signed() -> None:
    session = FakeSession()
    document = run(session, "publish", SIGNED)
    assert document["stored"] == 8 and document["seq"] == 7
    item = session.pointers.pointers[0].item
    assert isinstance(item, MutableItem) and item == ITEM and is_signed(item)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("follow", {"uri": "magnet:?xt=urn:btih:" + "ab" * 20}),
        ("publish", {**SIGNED, "key": "ab"}),
        ("publish", {**SIGNED, "signature": "xy"}),
        ("publish", {**SIGNED, "infohash": "ab" * 19}),
        ("publish", {key: SIGNED[key] for key in SIGNED if key != "seq"}),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, params: dict[str, Json]) -> None:
    with pytest.raises((Refused, LineError)):
        run(FakeSession(), method, params)
