"""The documents of the daemon's own affairs are what it writes."""

from typing import get_args

import pytest

from tests.daemon.client.document_twins import differences
from torrentd.config.entries import HookEvent
from torrentd.daemon import explaining, settings, status
from torrentd.daemon.client import daemon_documents as documents

TWINS: list[tuple[type, type, tuple[str, ...]]] = [
    (settings.Setting, documents.Setting, ()),
    (settings.Difference, documents.Difference, ()),
    (settings.Reloaded, documents.Reload, ("file",)),
    (explaining.Explained, documents.Explained, ()),
    (status.Moved, documents.MovedInDay, ("day",)),
]


@pytest.mark.parametrize(("written", "said", "but"), TWINS, ids=[t[1].__name__ for t in TWINS])
def test_each_is_field_for_field_what_is_written(
    written: type, said: type, but: tuple[str, ...]
) -> None:
    assert differences(written, said, but=but) == []


def test_there_is_a_document_for_every_event() -> None:
    """Those that hooks can be for, and those of no use to them."""
    told = {word for event in get_args(documents.Event) for word in kinds(event)}
    assert told - set(get_args(HookEvent)) == {"missed", "hook-failed", "stopped"}
    assert set(get_args(HookEvent)) - told == set()


def kinds(event: type) -> tuple[str, ...]:
    return get_args(event.__annotations__["event"])
