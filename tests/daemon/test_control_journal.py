"""The verb `events`: from where, how much at once, and what is told of what is gone."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_journal import EVENTS_MAX, FOLLOWERS_MAX
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.status import Refused


def make(*numbers: int) -> FakeSession:
    session = FakeSession()
    session.journal.put(*numbers)
    return session


def ask(session: FakeSession, **params: Json) -> Document:
    call = Call(None, lambda: False)
    return asyncio.run(Verbs(session).run("events", dict(params), call)).document


def told(document: Document) -> list[object]:
    """The numbers of the events; where some are missing, how many."""
    events = document["events"]
    assert isinstance(events, list)
    return [
        f"{event['count']} gone" if event["event"] == "missed" else int(event["cursor"][9:])
        for event in events
    ]


def test_all_that_is_kept_or_what_came_since() -> None:
    session = make(1, 2, 3)
    document = ask(session)
    assert told(document) == [1, 2, 3]
    assert (document["cursor"], document["more"]) == ("00c0ffee-3", False)
    assert told(ask(session, since="00c0ffee-2")) == [3]
    assert told(ask(session, since="00c0ffee-3")) == []
    assert told(ask(session, since="0")) == [1, 2, 3]


def test_who_asks_for_all_is_not_told_of_what_he_never_had() -> None:
    session = make(7, 8)
    assert told(ask(session)) == told(ask(session, since="0")) == [7, 8]
    assert told(ask(session, since="00c0ffee-3")) == ["3 gone", 7, 8]


def test_a_cursor_of_another_journal_is_served_all_and_told_so() -> None:
    for cursor in ("deadbeef-2", "00c0ffee-9", "garbage", "-1"):
        assert told(ask(make(1, 2), since=cursor)) == ["None gone", 1, 2], cursor


def test_a_long_answer_comes_in_parts() -> None:
    session = make(*range(1, EVENTS_MAX + 500))
    first = ask(session)
    assert first["more"] is True and len(told(first)) < EVENTS_MAX + 300
    second = ask(session, since=str(first["cursor"]))
    assert second["more"] is False
    assert told(first) + told(second) == list(range(1, EVENTS_MAX + 500))


@pytest.mark.parametrize(
    ("since", "heard"), [(None, [3, "2 gone", 6]), ("00c0ffee-1", [2, 3, "2 gone", 6])]
)
def test_who_follows_is_told_as_it_comes(since: str | None, heard: list[object]) -> None:
    session = make(1, 2)
    seen: list[Document] = []

    async def tell(document: Document) -> None:
        seen.append(document)

    async def scenario() -> Document:
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, session.journal.put, 3)
        loop.call_later(0.02, session.journal.put, 6)  # 4 and 5 were lost by a full disk
        call = Call(None, lambda: len(seen) >= len(heard), tell)
        params: dict[str, Json] = {"follow": True}
        if since is not None:
            params["since"] = since
        return (await Verbs(session).run("events", params, call)).document

    document = asyncio.run(scenario())
    assert document["cursor"] == "00c0ffee-6"
    assert told({"events": seen}) == heard


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(LineError):
        ask(make(), bogus=1)


def test_those_who_follow_leave_room_for_others() -> None:
    session = make(1)
    gone = False

    async def scenario() -> None:
        nonlocal gone
        verbs = Verbs(session)
        call = Call(None, lambda: gone)
        work = [asyncio.ensure_future(verbs.run("events", {"follow": True}, call))
                for _ in range(FOLLOWERS_MAX)]  # fmt: skip
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="follow what happens already"):
            await verbs.run("events", {"follow": True}, call)
        assert (await verbs.run("events", {}, call)).document["more"] is False
        gone = True
        session.journal.put(2)
        await asyncio.gather(*work)
        await verbs.run("events", {"follow": True}, call)

    asyncio.run(scenario())
