"""What labels bring along, and which names they may have."""

import pytest

from torrentd.config.labels import Label, check_label, parse_label
from torrentd.config.rules import parse_rule


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("films: dir /srv/my films", Label("films", "/srv/my films")),
        (" a b : up 500K,down 1.5M/s", Label("a b", None, 1572864, 512000)),
        (
            "x: sequential, when ratio > 2: pause, when seeding > 3d: remove",
            Label(
                "x",
                sequential=True,
                rules=(
                    parse_rule("when ratio > 2: pause"),
                    parse_rule("when seeding > 3d: remove"),
                ),
            ),
        ),
    ],
)
def test_what_a_label_brings(text: str, label: Label) -> None:
    assert parse_label(text) == label


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("films", "it needs a name, a colon"),
        ("films:  ", "it needs a name, a colon"),
        (": up 5K", "a label has 1 to 64 characters"),
        ("a*: up 5K", "no comma, colon or sign of a pattern"),
        ("-a: up 5K", "does not begin with a dash"),
        ("a: dir srv", "'srv' is no absolute path"),
        ("a: dir /srv/../etc", "no absolute path"),
        ("a: up 5", "'5' is no rate; 500K and 1.5M are"),
        ("a: up 0K", "is no rate"),
        ("a: faster", "'faster' is none of dir"),
        ("a: when ratio > 2", "needs a colon and what to do"),
    ],
)
def test_the_sentence_for_what_means_nothing(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_label(text)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a,b", "a:b", "a\nb", "a\x1b", "[a]", "-x"])
def test_what_is_no_name_of_a_label(name: str) -> None:
    with pytest.raises(ValueError):
        check_label(name)


def test_a_name_has_no_spaces_around_it() -> None:
    assert check_label(" Linux isos ") == "Linux isos"
