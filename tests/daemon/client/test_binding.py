"""One making of a request, two clients' methods."""

import inspect
from collections.abc import Callable

from torrentd.daemon.client.aio import AsyncClient, AsyncStream
from torrentd.daemon.client.binding import Following, Method
from torrentd.daemon.client.blocking import Client
from torrentd.daemon.client.methods import Methods
from torrentd.daemon.client.requests import Request


class Recording(Client):
    """Keeps what it is asked instead of asking."""

    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.asked: list[Request[object]] = []

    @Method
    def sing(self: Methods, song: str, *, loud: bool = False) -> Request[object]:
        """In the bath."""
        return Request("sing", {"song": song, "loud": loud})


def test_the_request_goes_to_the_client_it_was_asked_of() -> None:
    client = Recording()
    client.call = client.asked.append  # type: ignore[assignment, method-assign]  # nobody is there
    client.sing("la", loud=True)
    (asked,) = client.asked
    assert (asked.method, asked.params) == ("sing", {"song": "la", "loud": True})


def test_the_class_has_the_making_itself_with_its_sentence() -> None:
    assert isinstance(Recording.sing, Method)
    assert Recording.sing.__doc__ == Recording().sing.__doc__ == "In the bath."
    assert isinstance(Methods.follow_events, Following)


def test_a_method_of_the_async_client_is_to_be_awaited_and_a_stream_iterated() -> None:
    client = AsyncClient("/nowhere")
    asked = client.version()
    assert inspect.iscoroutine(asked)
    asked.close()
    assert isinstance(client.follow_events(), AsyncStream)


def test_both_clients_have_every_method() -> None:
    made = [name for name, value in vars(Methods).items() if isinstance(value, Method | Following)]
    assert len(made) > 40
    for client in (Client("/nowhere"), AsyncClient("/nowhere")):
        bound: list[Callable[..., object]] = [getattr(client, name) for name in made]
        assert all(map(callable, bound))
