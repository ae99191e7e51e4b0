"""How a request in the making becomes a method of both clients.

class Methods:
    @Method
    def version(self) -> Request[Version]:
        return Request("version")

Client().version()                   # -> Version
await AsyncClient().version()        # -> Version, with the same parameters
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar, overload

from torrentd.daemon.client.requests import Request, StreamRequest

if TYPE_CHECKING:
    from torrentd.daemon.client.aio import AsyncClient, AsyncStream
    from torrentd.daemon.client.blocking import Client
    from torrentd.daemon.client.calling import Stream
    from torrentd.daemon.client.methods import Methods

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Method(Generic[P, R]):
    """A request in the making, bound to whichever client it is asked of."""

    def __init__(self, make: Callable[Concatenate["Methods", P], Request[R]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: "Client", owner: object) -> Callable[P, R]: ...

    @overload
    def __get__(
        self, client: "AsyncClient", owner: object
    ) -> Callable[P, Coroutine[object, object, R]]: ...

    @overload
    def __get__(self, client: None, owner: object) -> "Method[P, R]": ...

    def __get__(self, client: "Client | AsyncClient | None", owner: object) -> object:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> object:
            return client.call(self._make(client, *args, **kwargs))

        call.__doc__ = self.__doc__
        return call


class Following(Generic[P, T, R]):
    """Likewise of what comes as a stream."""

    def __init__(self, make: Callable[Concatenate["Methods", P], StreamRequest[T, R]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: "Client", owner: object) -> Callable[P, "Stream[T, R]"]: ...

    @overload
    def __get__(self, client: "AsyncClient", owner: object) -> Callable[P, "AsyncStream[T, R]"]: ...

    @overload
    def __get__(self, client: None, owner: object) -> "Following[P, T, R]": ...

    def __get__(self, client: "Client | AsyncClient | None", owner: object) -> object:
        if client is None:
            return self

        def stream(*args: P.args, **kwargs: P.kwargs) -> object:
            return client.stream(self._make(client, *args, **kwargs))

        stream.__doc__ = self.__doc__
        return stream
