"""The errors of the client."""

import pytest

from torrentd.daemon.client import errors
from torrentd.daemon.client.errors import ClientError, Refused

FAMILY = [errors.NoDaemon, errors.TimedOut, errors.ConnectionLost, errors.BadAnswer]


@pytest.mark.parametrize("kind", FAMILY)
def test_each_is_caught_with_the_family_and_is_its_sentence(kind: type[ClientError]) -> None:
    with pytest.raises(ClientError, match="one sentence") as caught:
        raise kind("one sentence")
    assert caught.value.sentence == str(caught.value) == "one sentence"


def test_a_no_has_the_daemons_code_too() -> None:
    with pytest.raises(ClientError, match="no") as caught:
        raise Refused(3, "no")
    assert isinstance(caught.value, Refused) and caught.value.code == 3
