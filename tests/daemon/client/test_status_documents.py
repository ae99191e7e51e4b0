"""The document of `status` is what the daemon writes."""

from typing import get_args

import pytest

from tests.daemon.client.document_twins import differences
from torrentd.daemon import status
from torrentd.daemon.client import status_documents as documents

TWINS: list[tuple[type, type, tuple[str, ...]]] = [
    (status.TorrentStatus, documents.TorrentStatus, ()),
    (status.DhtFamilyStatus, documents.DhtFamilyStatus, ()),
    (status.DhtStatus, documents.DhtStatus, ()),
    (status.BlocksStatus, documents.BlocksStatus, ()),
    (status.Moved, documents.Moved, ()),
    (status.DaemonStatus, documents.DaemonStatus, ()),
]


@pytest.mark.parametrize(("written", "said", "but"), TWINS, ids=[t[1].__name__ for t in TWINS])
def test_each_is_field_for_field_what_is_written(
    written: type, said: type, but: tuple[str, ...]
) -> None:
    assert differences(written, said, but=but) == []


def test_the_words_are_the_daemons() -> None:
    assert get_args(documents.State) == get_args(status.TorrentState)
    assert get_args(documents.MagnetStage) == get_args(status.MagnetStage)
