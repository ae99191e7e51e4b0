"""Parsers whose errors are one sentence with the nearest right word."""

import pytest

from torrentd.daemon.ctl.failure import USAGE, Failure
from torrentd.daemon.ctl.parser import Parser, Verbs, add_common, flag, nearest


@pytest.mark.parametrize(
    ("word", "words", "meant"),
    [
        ("statsu", ["status", "info"], "status"),
        ("rm", ["status", "remove"], "remove"),
        ("help", ["nodes"], "--help"),
    ],
)
def test_the_nearest_word(word: str, words: list[str], meant: str) -> None:
    assert nearest(word, words) == f'did you mean "{meant}"?'


def test_no_word_is_named_that_is_not_there() -> None:
    assert nearest("rm", ["nodes", "status"]) is None


def test_an_error_is_a_failure_of_usage_that_says_where_to_look() -> None:
    with pytest.raises(Failure, match=r"^x \(torrentctl --help\)$") as caught:
        Parser(prog="torrentctl").error("x")
    assert caught.value.exit_code == USAGE


def test_verbs_of_a_group_are_kept_by_both_words_and_take_what_all_take() -> None:
    parser = Parser(prog="torrentctl", allow_abbrev=False)
    verbs = Verbs(parser, "action", "dht ")
    flag(verbs.add("nodes", "the nodes"), "--bad", "bad", "also the bad ones")
    assert verbs.made["dht nodes"].option_names() == ["-h", "--help", "--socket", "--json", "--bad"]
    options = parser.parse_args(["nodes", "--json"])
    assert options.action == "nodes" and options.as_json
    assert not hasattr(options, "bad"), "what is not given leaves the default of Options"


def test_a_group_needs_no_verb() -> None:
    parser = Parser(prog="torrentctl")
    add_common(parser)
    Verbs(parser, "action", "dht ").add("nodes", "the nodes")
    assert parser.parse_args([]).action is None
