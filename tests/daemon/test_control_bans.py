"""The verb `ban`."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs


def ask(session: FakeSession, **params: Json) -> Document:
    call = Call(None, lambda: False)
    return asyncio.run(Verbs(session).run("ban", dict(params), call)).document


def test_banned_shown_and_taken_back() -> None:
    session = FakeSession()
    assert ask(session) == {"changed": [], "banned": []}
    answer = ask(session, networks=["192.0.2.7", "2001:db8::/48"])
    assert answer["changed"] == answer["banned"] == ["192.0.2.7", "2001:db8::/48"]
    assert ask(session, networks=["192.0.2.7"], remove=True)["banned"] == ["2001:db8::/48"]


@pytest.mark.parametrize("params", [{"networks": "192.0.2.7"}, {"bogus": 1}, {"remove": "yes"}])
def test_what_is_of_another_form_is_refused(params: dict[str, Json]) -> None:
    with pytest.raises(LineError):
        ask(FakeSession(), **params)
