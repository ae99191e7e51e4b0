"""Seeding rules: what they mean, and the sentence for what means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.config.rules import Condition, Quantity, parse_rule, size_of


@pytest.mark.parametrize(
    ("text", "conditions", "deed", "limit"),
    [
        ("when ratio > 2: pause", [Condition("ratio", ">", 2)], "pause", 0),
        (" ratio>=1.5 : remove ", [Condition("ratio", ">=", 1.5)], "remove", 0),
        ("when peers < 3: limit 100K", [Condition("peers", "<", 3)], "limit", 102400),
        ("seeding > 2w: limit 1 MiB/s", [Condition("seeding", ">", 1209600)], "limit", 1 << 20),
        (
            "when ratio > 2 and seeds > 5  and uploaded <= 1.5G: pause",
            [
                Condition("ratio", ">", 2),
                Condition("seeds", ">", 5),
                Condition("uploaded", "<=", 1.5 * (1 << 30)),
            ],
            "pause",
            0,
        ),
    ],
)
def test_what_a_rule_means(text: str, conditions: list[Condition], deed: str, limit: int) -> None:
    rule = parse_rule(text)
    assert (list(rule.conditions), rule.deed, rule.limit_bytes_per_s) == (conditions, deed, limit)
    assert rule.text == text.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it needs a colon"),
        ("when ratio > 2", "it needs a colon and what to do, as in when ratio > 2: pause"),
        ("ratio: pause", "'ratio' is no condition; ratio > 2 is one"),
        ("when ratio > 2 or seeds > 5: pause", "'2 or seeds > 5' is not right for ratio"),
        ("when ratoi > 2: pause", "'ratoi' is none of ratio, seeds, peers, seeding, uploaded"),
        ("when ratio > two: pause", "'two' is not right for ratio: a number, as in ratio > 2"),
        ("when seeding > 5: pause", "a time, as in seeding > 12h"),
        ("when uploaded > 5: pause", "a size, as in uploaded > 20G"),
        ("when ratio = 2: pause", "is no condition"),
        ("when ratio > 2: stop", "'stop' cannot be done; pause, remove and limit 100K can"),
        ("when ratio > 2: limit", "cannot be done"),
        ("when ratio > 2: limit 0K", "cannot be done"),
        ("when ratio > 2: pause now", "cannot be done"),
        (" and ".join(["ratio > 2"] * 11) + ": pause", "more than 10 conditions"),
    ],
)
def test_the_sentence_for_what_means_nothing(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_rule(text)
    assert sentence in str(raised.value)


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_value_error_of_one_line(text: str) -> None:
    try:
        parse_rule(text)
    except ValueError as error:
        assert len(str(error)) < 200 and "\n" not in str(error)


def test_sizes() -> None:
    assert [size_of(text) for text in ("1K", "1.5 MiB", "2T")] == [1024, 1572864, 2 << 40]
    assert [size_of(text) for text in ("", "1", "1B", "K", "1e3K", "-1K")] == [None] * 6


@pytest.mark.parametrize(
    ("sign", "holding"), [(">", [3]), (">=", [2, 3]), ("<", [1]), ("<=", [1, 2])]
)
def test_each_sign(sign: str, holding: list[int]) -> None:
    condition = Condition("ratio", sign, 2)
    assert [n for n in (1, 2, 3) if condition.holds({"ratio": n})] == holding


def test_all_conditions_hold_at_once_and_what_is_not_known_holds_never() -> None:
    rule = parse_rule("when ratio > 2 and seeds < 5: pause")
    cases: list[tuple[dict[Quantity, float], bool]] = [
        ({"ratio": 3, "seeds": 4}, True),
        ({"ratio": 2, "seeds": 4}, False),
        ({"ratio": 3, "seeds": 5}, False),
        ({"ratio": 3}, False),
    ]
    for measured, holds in cases:
        assert rule.holds(measured) is holds
