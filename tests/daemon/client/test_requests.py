"""Requests are values, of which both clients know what to expect."""

from torrentd.daemon.client.requests import (
    ANSWER_S,
    Request,
    StreamRequest,
    answered,
    told,
)


def test_an_answer_has_its_time() -> None:
    request: Request[object] = Request("version")
    assert (request.method, request.params, request.payload) == ("version", {}, b"")
    assert request.answer_s == ANSWER_S


def test_documents_are_what_came() -> None:
    """Also with fields of a later release."""
    request: StreamRequest[object, object] = StreamRequest("events")
    assert answered(request, {"new": 1}) == told(request, {"new": 1}) == {"new": 1}
