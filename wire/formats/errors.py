"""Who is to blame, when it is the remote: one family for every byte that broke a BEP.

Formats raise these and nothing else; a core catches them in one place, counts, and goes on.
No BEP applies.
"""


class ProtocolError(ValueError):
    """The remote broke a BEP. `reason` is a sentence of ours and never quotes its bytes."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BencodeError(ProtocolError):
    """Not bencode (BEP 3), or beyond a limit of ours."""

    __slots__ = ()


class MetainfoError(ProtocolError):
    """Not a torrent that we take (BEP 3, 27, 47, 52)."""

    __slots__ = ()


class MagnetError(ProtocolError):
    """Not a magnet that we take (BEP 9, 53)."""

    __slots__ = ()


class HandshakeError(ProtocolError):
    """Not a peer handshake (BEP 3)."""

    __slots__ = ()


class MessageError(ProtocolError):
    """A peer message that breaks BEP 3 or BEP 6, or a limit of ours."""

    __slots__ = ()


class ExtensionError(ProtocolError):
    """An extended message that breaks BEP 9, 10 or 11, or a limit of ours."""

    __slots__ = ()


class KrpcError(ProtocolError):
    """A datagram that breaks BEP 5. `code` is what the error reply says (201 to 204)."""

    __slots__ = ("code",)

    def __init__(self, reason: str, code: int = 203) -> None:
        super().__init__(reason)
        self.code = code
