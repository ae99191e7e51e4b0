"""Text in a manual page: nothing of it is a request or an escape."""

import pytest

from torrentd.daemon.roff import bold, item, literal, plain, running


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("plain words", "plain words"),
        (".SH no heading", "\\&.SH no heading"),
        ("'tis so", "\\&'tis so"),
        ("one\n.two", "one\n\\&.two"),
        ("back\\slash", "back\\eslash"),
        ("a-b `c`", "a\\-b \\(gac\\(ga"),
    ],
)
def test_plain_text_stays_plain(text: str, source: str) -> None:
    assert plain(text) == source


def test_options_stand_out_in_running_text() -> None:
    assert running("with --dry-run, or -h") == "with \\fB\\-\\-dry\\-run\\fR, or \\fB\\-h\\fR"
    assert running("well-kept") == "well-kept"


def test_an_item_is_a_head_and_its_text() -> None:
    assert item(bold("--json"), "one\n.line") == ".TP\n\\fB\\-\\-json\\fR\none\n\\&.line"


def test_examples_keep_their_lines() -> None:
    source = literal(["a  b", "", ".c"]).splitlines()
    assert source == [".PP", ".RS 4", ".nf", "a  b", "\\&", "\\&.c", ".fi", ".RE"]
