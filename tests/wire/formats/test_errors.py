"""The family of ProtocolError (no BEP applies)."""

import pytest

from torrentd.wire.formats import errors
from torrentd.wire.formats.errors import KrpcError, ProtocolError

FAMILY = [
    errors.BencodeError,
    errors.MetainfoError,
    errors.MagnetError,
    errors.HandshakeError,
    errors.MessageError,
    errors.ExtensionError,
    errors.KrpcError,
]


@pytest.mark.parametrize("kind", FAMILY)
def test_every_error_of_a_format_is_a_protocol_error_with_its_reason(
    kind: type[ProtocolError],
) -> None:
    error = kind("a sentence")
    assert isinstance(error, ProtocolError)
    assert error.reason == str(error) == "a sentence"


def test_no_member_of_the_family_is_forgotten_here() -> None:
    assert {k.__name__ for k in ProtocolError.__subclasses__()} >= {k.__name__ for k in FAMILY}
    assert all(issubclass(k, ProtocolError) for k in FAMILY)


def test_a_krpc_error_carries_the_code_of_the_reply() -> None:
    assert KrpcError("malformed").code == 203
    assert KrpcError("unknown", 204).code == 204
