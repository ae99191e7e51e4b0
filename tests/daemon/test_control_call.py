"""A request on its way, what it tells before its answer, and what comes of it."""

import asyncio

import pytest

from torrentd.daemon import control_call
from torrentd.daemon.control_call import Answer, Call, Document
from torrentd.daemon.feed import ENTRIES_MAX, Feed


def test_an_answer_is_the_end_of_it_unless_it_says_otherwise() -> None:
    assert Answer({}).then is None


class TestFollow:
    def follow(self, feed: Feed[Document], *, hangs_up_after: int | None = None) -> list[Document]:
        told: list[Document] = []

        async def tell(document: Document) -> None:
            told.append(document)

        def hung_up() -> bool:
            return hangs_up_after is not None and len(told) >= hangs_up_after

        asyncio.run(Call(None, hung_up, tell).follow(feed))
        return told

    def test_everything_is_told_until_the_feed_is_over(self) -> None:
        feed = Feed[Document]()
        for number in range(3):
            feed.put({"n": number})
        feed.end()
        assert self.follow(feed) == [{"n": 0}, {"n": 1}, {"n": 2}]

    def test_what_was_lost_is_told_first(self) -> None:
        feed = Feed[Document]()
        for number in range(ENTRIES_MAX + 5):
            feed.put({"n": number})
        feed.end()
        told = self.follow(feed)
        assert told[:2] == [{"missed": 5}, {"n": 5}] and len(told) == 1 + ENTRIES_MAX

    def test_when_the_time_is_over_it_ends(self) -> None:
        feed = Feed[Document]()
        feed.put({"n": 1})
        asyncio.run(Call(None, lambda: False).follow(feed, 0.01))
        assert not feed.is_over

    def test_one_who_hung_up_is_not_followed_for_ever(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(control_call, "FOLLOW_SLICE_S", 0.01)
        feed = Feed[Document]()
        feed.put({"n": 1})
        assert self.follow(feed, hangs_up_after=1) == [{"n": 1}]
        assert not feed.is_over
