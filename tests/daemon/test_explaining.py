"""Every key of the schema is explained, in its own words."""

import pytest

from torrentd.config.keys import all_keys
from torrentd.daemon.explaining import Explained, explain
from torrentd.daemon.status import Refused


def test_a_key_is_its_sentence_its_bounds_and_its_default() -> None:
    sentence = all_keys()["listen.port"].sentence
    allowed = "a whole number from 1 to 65535"
    assert explain(["listen.port"]) == [Explained("listen.port", sentence, allowed, "6881", True)]


def test_a_section_is_its_keys_and_each_once() -> None:
    keys = explain(["log", "log.level"])
    assert [key.key for key in keys] == ["log.level", "log.format"]
    assert not keys[0].needs_restart


def test_every_key_has_something_to_say() -> None:
    explained = explain(list(all_keys()))
    assert len(explained) == sum(key.section is None for key in all_keys().values())
    assert all(key.sentence and key.allowed for key in explained)


def test_a_default_that_depends_on_who_starts_it_is_none() -> None:
    assert [key.default for key in explain(["state_dir", "control.group"])] == [None, "null"]


def test_a_key_that_is_none_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(Refused, match=r'did you mean "limits\.unchoke_slots"'):
        explain(["limits.unchoke_slot"])
    with pytest.raises(Refused, match=r'^there is no key "qqqqq"$'):
        explain(["qqqqq"])
