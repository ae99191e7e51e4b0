"""What can go wrong between a client and the daemon: each error is one sentence for a person.

Sentences of the daemon may hold names that strangers chose: none is for a terminal as it is.
"""


class ClientError(Exception):
    """Any of those below."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NoDaemon(ClientError):
    """Nobody answers at the socket, or this user may not use it."""


class Refused(ClientError):
    """The daemon says no. The connection is good for the next request."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # one of control_lines: REFUSED, INVALID_PARAMS, METHOD_NOT_FOUND, …


class TimedOut(ClientError):
    """No answer in time. Whether the daemon did what it was asked is not known."""


class ConnectionLost(ClientError):
    """The daemon went away before it answered. Whether it did what it was asked is not known."""


class BadAnswer(ClientError):
    """What came is no answer to what was asked: that is no torrentd, or none of our version."""
