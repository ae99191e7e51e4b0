"""config/keys.py: the schema read as a list of keys."""

from pathlib import Path

import pytest

from torrentd.config.entries import Label
from torrentd.config.keys import all_keys, list_text, nearest_key
from torrentd.config.schema import Limits


def test_the_keys_named_in_the_readme_are_there() -> None:
    keys = all_keys()
    for name in (
        *("state_dir", "download_dir", "listen.addresses", "listen.port", "control.socket"),
        *("control.mode", "control.group", "dht.enabled", "dht.bootstrap"),
        *("network.allow_local_addresses", "log.level", "log.format"),
    ):
        assert keys[name].section is None
    assert {f"limits.{name}" for name in Limits.model_fields} <= keys.keys()
    assert keys["limits"].section is Limits


def test_every_key_has_one_sentence_and_says_what_is_right() -> None:
    for key in all_keys().values():
        assert key.sentence.endswith("."), key.name
        assert len(key.sentence) > 20, key.name
        assert key.right, key.name
        assert not key.right.endswith("."), key.name


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("listen.port", "a whole number from 1 to 65535"),
        ("limits.piece_buffers_bytes_max", "a size from 1 MiB to 64 GiB"),
        ("dht.enabled", "true or false"),
        ("log.format", "one of auto, json, console"),
        ("log", "one or more indented lines with the keys level, format"),
    ],
)
def test_what_is_right_is_made_of_the_bounds(name: str, right: str) -> None:
    assert all_keys()[name].right == right


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("listen.prot", "listen.port"),
        ("listen.adresses", "listen.addresses"),
        ("port", "listen.port"),
        ("dth", "dht"),
        ("Listen", "listen"),
        ("statedir", "state_dir"),
        ("download-dir", "download_dir"),
        ("limits.max_connections", "limits.connections_max"),
        ("dht.port", "listen.port"),
        ("listen_port", "listen.port"),
        ("allow_local_adresses", "network.allow_local_addresses"),
        ("log.lvl", "log.level"),
        ("qqqqqq", None),
        ("log.zz", None),
        ("control.x", None),
        ("", None),
    ],
)
def test_the_nearest_key(typed: str, meant: str | None) -> None:
    assert nearest_key(typed, all_keys()) == meant


def test_a_list_of_maps_is_shown_as_it_could_be_written() -> None:
    keys = all_keys()
    rule = "when ratio > 2: pause"
    label = Label(name="isos", dir=Path("/srv/isos"), upload_bytes_per_s_max=512000, rules=(rule,))
    shown = list_text((label, Label(name="x")), keys["seeding.labels"])
    assert shown == (
        '[{name: "isos", dir: "/srv/isos", upload_bytes_per_s_max: 500 KiB, '
        'rules: ["when ratio > 2: pause"]}, {name: "x"}]'
    )
    assert list_text(("a b",), keys["rates.alternative_times"]) == '["a b"]'
