"""The daemon from Python, for scripts and programs; torrentctl itself uses it (docs/client.md).

    from torrentd.daemon.client import Client

What is imported from here is loaded when it is asked for: a script needs one client of the two.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torrentd.daemon.client.aio import AsyncClient, AsyncStream
    from torrentd.daemon.client.blocking import Client
    from torrentd.daemon.client.calling import Stream
    from torrentd.daemon.client.errors import (
        BadAnswer,
        ClientError,
        ConnectionLost,
        NoDaemon,
        Refused,
        TimedOut,
    )
    from torrentd.daemon.client.progress import Progress
    from torrentd.daemon.client.requests import Request, StreamRequest

__all__ = [
    "AsyncClient",
    "AsyncStream",
    "BadAnswer",
    "Client",
    "ClientError",
    "ConnectionLost",
    "NoDaemon",
    "Progress",
    "Refused",
    "Request",
    "Stream",
    "StreamRequest",
    "TimedOut",
]
_ROOMS = ("blocking", "errors", "calling", "progress", "requests", "aio")


def __getattr__(name: str) -> object:
    from importlib import import_module  # late: torrentctl needs none of this

    if name in __all__:
        for room in _ROOMS:
            found: object = getattr(import_module(f"{__name__}.{room}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
