"""`torrentctl config`: its verbs and what they take."""

import pytest

from torrentd.daemon.ctl.arguments import parse
from torrentd.daemon.ctl.failure import USAGE, Failure


def test_config_alone_shows_everything() -> None:
    options = parse(["config"])
    assert (options.verb, [*options.keys]) == ("config show", [])


def test_a_value_is_taken_as_it_was_typed() -> None:
    options = parse(["config", "set", "rates.upload_bytes_per_s_max", "500 KiB"])
    assert options.verb == "config set"
    assert (options.key, options.value) == ("rates.upload_bytes_per_s_max", "500 KiB")


@pytest.mark.parametrize("typed", [["config", "set", "log.level"], ["config", "explain"]])
def test_what_is_missing_is_wrong_usage(typed: list[str]) -> None:
    with pytest.raises(Failure) as caught:
        parse(typed)
    assert caught.value.exit_code == USAGE


def test_a_verb_that_is_none_has_a_hint() -> None:
    with pytest.raises(Failure, match='did you mean "diff"'):
        parse(["config", "dif"])
