"""Everything a connection can tell is in the union that its readers match on. No BEP applies."""

from dataclasses import is_dataclass
from inspect import getmembers, isclass
from typing import get_args

from torrentd.wire.peer import events


def test_the_union_holds_every_event_there_is() -> None:
    defined = [
        value
        for _, value in getmembers(events, isclass)
        if value.__module__ == events.__name__ and is_dataclass(value)
    ]
    assert sorted(map(repr, get_args(events.Event))) == sorted(map(repr, defined))


def test_events_are_small_and_comparable() -> None:
    """They are made by the million: no __dict__ each, and no price of being frozen."""
    for kind in get_args(events.Event):
        assert hasattr(kind, "__slots__"), kind
    assert events.Have(3) == events.Have(3) != events.Have(4)
