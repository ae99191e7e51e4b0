"""Bytes in, messages out: whatever is said, and however it is cut."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon.client.lying_daemon import LIES, answer
from torrentd.daemon.client.conversation import Conversation, Document, is_quiet
from torrentd.daemon.client.errors import BadAnswer, ClientError, ConnectionLost, Refused, TimedOut
from torrentd.daemon.client.requests import Request
from torrentd.daemon.control_lines import encode_error, encode_notification

VERSION: Request[object] = Request("version")


def asked(line_bytes_max: int = 1000) -> Conversation:
    conversation = Conversation("/run/s", line_bytes_max)
    conversation.ask(VERSION)
    return conversation


def heard(conversation: Conversation, data: bytes) -> list[tuple[Document, bool]]:
    conversation.receive_data(data)
    messages = []
    while (message := conversation.next_message()) is not None:
        messages.append((message.document, message.is_last))
    return messages


def test_a_request_is_a_line_with_an_id_of_its_own() -> None:
    conversation = Conversation("/run/s")
    lines = [conversation.ask(Request("info", {"torrent": "a\nb"})) for _ in range(2)]
    assert [line.count(b"\n") for line in lines] == [1, 1]
    assert b'"id":1,' in lines[0] and b'"id":2,' in lines[1]


@settings(max_examples=50)
@given(st.lists(st.integers(1, 200)))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    data = encode_notification("version", {"n": 1}) + encode_notification("version", {"n": 2})
    data += answer(1, version="é" * 20)
    conversation, messages = asked(), []
    for cut in cuts:
        if data[:cut]:
            messages += heard(conversation, data[:cut])
        data = data[cut:]
    messages += heard(conversation, data) if data else []
    assert messages == [({"n": 1}, False), ({"n": 2}, False), ({"version": "é" * 20}, True)]
    assert conversation.is_idle


@pytest.mark.parametrize(
    ("said", "error"),
    [lie for lie in LIES.values() if lie[1] not in (TimedOut, ConnectionLost)],
    ids=[name for name, lie in LIES.items() if lie[1] not in (TimedOut, ConnectionLost)],
)
def test_a_lie_is_an_error_and_leaves_it_out_of_step(said: bytes, error: type[ClientError]) -> None:
    conversation = asked(line_bytes_max=200_000)
    with pytest.raises(error):
        heard(conversation, said)
    assert conversation.is_idle == (said == encode_error(1, 1, "no"))


def test_the_end_is_the_end() -> None:
    with pytest.raises(ConnectionLost, match="at /run/s went away"):
        asked().receive_data(b"")


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_line_has_its_limit(ending: bytes) -> None:
    conversation = asked(line_bytes_max=100)
    assert heard(conversation, b" " * 100) == []
    with pytest.raises(BadAnswer, match="longer than 100 bytes"):
        heard(conversation, b" " + ending)


def test_what_comes_after_the_answer_is_not_of_the_next_request() -> None:
    conversation = asked()
    conversation.receive_data(answer(1, n=1) + encode_error(None, 3, "others need this place"))
    message = conversation.next_message()
    assert message is not None and message.is_last
    assert not conversation.is_idle


def test_a_no_keeps_the_daemons_code_and_sentence() -> None:
    with pytest.raises(Refused, match="there is no torrent x") as caught:
        heard(asked(), encode_error(1, 1, "there is no torrent x"))
    assert caught.value.code == 1


def test_a_connection_is_quiet_until_something_is_to_be_read() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        assert is_quiet(ours)
        theirs.close()
        assert not is_quiet(ours)
