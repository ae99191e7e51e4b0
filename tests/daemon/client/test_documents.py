"""The documents of torrents are what the daemon writes."""

from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict, get_args

import pytest

from tests.daemon.client.document_twins import differences
from torrentd.daemon import adopting, status, why
from torrentd.daemon.client import documents, methods
from torrentd.daemon.client.status_documents import TorrentStatus
from torrentd.daemon.queue import Move
from torrentd.daemon.waiters import Goal

TWINS: list[tuple[type, type, tuple[str, ...]]] = [
    (status.PeerStatus, documents.PeerStatus, ()),
    (status.FileStatus, documents.FileStatus, ()),
    (status.PiecesStatus, documents.Pieces, ("infohash", "name")),
    (status.AddResult, documents.AddResult, ()),
    (adopting.AdoptedFile, documents.AdoptedFile, ()),
    (adopting.Adoption, documents.AdoptedTorrent, ()),
    (adopting.Adoption, documents.Adopt, ()),
    (why.Why, documents.WhyTorrent, ()),
]


@pytest.mark.parametrize(("written", "said", "but"), TWINS, ids=[t[1].__name__ for t in TWINS])
def test_each_is_field_for_field_what_is_written(
    written: type, said: type, but: tuple[str, ...]
) -> None:
    assert differences(written, said, but=but) == []


def test_info_is_a_status_and_more() -> None:
    own = tuple(TorrentStatus.__annotations__)
    assert differences(status.TorrentInfo, documents.Info, but=("status", *own)) == []


def test_the_words_of_requests_are_the_daemons() -> None:
    assert set(get_args(methods.Goal)) == set(get_args(Goal))
    assert set(get_args(methods.Move)) == set(get_args(Move))


def test_a_difference_would_be_found() -> None:
    @dataclass
    class Written:
        same: int
        word: Literal["a", "b"]
        maybe: str | None
        nested: list[str]
        gone: int

    class Said(TypedDict):
        same: Annotated[int, "with a sentence"]
        word: Literal["a"]
        maybe: str
        nested: list[int]
        new: NotRequired[int]

    assert differences(Written, Said) == ["gone", "maybe", "nested", "new", "word"]
