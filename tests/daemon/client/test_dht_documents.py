"""The documents of the DHT are what the daemon writes."""

from typing import get_args

import pytest

from tests.daemon.client.document_twins import differences
from torrentd.daemon.client import dht_documents as documents
from torrentd.dht import stats
from torrentd.dht.outputs import Outcome

TWINS: list[tuple[type, type, tuple[str, ...]]] = [
    (stats.SearchStats, documents.SearchStats, ()),
    (stats.NodeStats, documents.NodeStats, ()),
]


@pytest.mark.parametrize(("written", "said", "but"), TWINS, ids=[t[1].__name__ for t in TWINS])
def test_each_is_field_for_field_what_is_written(
    written: type, said: type, but: tuple[str, ...]
) -> None:
    assert differences(written, said, but=but) == []


def test_what_a_node_of_a_lookup_may_do() -> None:
    assert get_args(documents.Hop.__annotations__["outcome"]) == get_args(Outcome)
