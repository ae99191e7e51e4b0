"""config/schema.py: the defaults, the bounds, the types that are ours."""

import pytest
from pydantic import ValidationError

from torrentd.config.schema import (
    Control,
    Dht,
    Limits,
    Listen,
    Log,
)


def test_the_defaults_of_the_issue() -> None:
    assert Listen().addresses == ("0.0.0.0", "::")
    assert Listen().port == 6881
    assert Dht().enabled
    assert not Dht().read_only
    assert Dht().bootstrap == (
        "dht.libtorrent.org:25401",
        "dht.transmissionbt.com:6881",
        "router.bt.ouinet.work:6881",
    )
    assert (Log().level, Log().format) == ("info", "auto")
    control = Control.model_validate({"socket": "/run/torrentd/control.sock"})
    assert (control.mode, control.permissions, control.group) == ("0660", 0o660, None)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Limits(), "unchoke_slots", 5)  # noqa: B010 (mypy refuses the plain form, rightly)


@pytest.mark.parametrize("name", sorted(Limits.model_fields))
def test_every_limit_has_a_lower_and_an_upper_bound(name: str) -> None:
    for outside in (-1, 10**15):
        with pytest.raises(ValidationError):
            Limits.model_validate({name: outside})
    with pytest.raises(ValidationError):
        Limits.model_validate({name: True})


@pytest.mark.parametrize(
    "address", ["host", "1.2.3", "224.0.0.1", "ff02::1", "::ffff:1.2.3.4", "[::1]", "010.0.0.1"]
)
def test_what_cannot_be_listened_on(address: str) -> None:
    with pytest.raises(ValidationError):
        Listen.model_validate({"addresses": [address]})


def test_listen_addresses_have_one_spelling_and_stand_there_once() -> None:
    assert Listen.model_validate({"addresses": ["2001:DB8::0:1"]}).addresses == ("2001:db8::1",)
    with pytest.raises(ValidationError, match="twice"):
        Listen.model_validate({"addresses": ["::1", "0:0::1"]})
    with pytest.raises(ValidationError):
        Listen.model_validate({"addresses": []})


@pytest.mark.parametrize("mode", ["0666", "0662", "0460", "660", "06600", "0660\n", "0680", 0o660])
def test_a_mode_with_access_for_others_or_without_the_owner_is_refused(mode: str | int) -> None:
    with pytest.raises(ValidationError):
        Control.model_validate({"socket": "/run/s", "mode": mode})
