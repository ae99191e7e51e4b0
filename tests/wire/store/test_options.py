"""A torrent's options on record: what was written is read, and nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.bencode import STATE_LIMITS, Bencoded, decode_dict, encode
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.store.options import (
    LABELS_MAX,
    PATTERNS_MAX,
    POSITION_MAX,
    RATE_BYTES_PER_S_MAX,
    RULES_MAX,
    TorrentOptions,
    decode_options,
    encode_options,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RATES = st.integers(0, RATE_BYTES_PER_S_MAX)
FILES = st.sets(st.integers(0, 100_000), max_size=20)


@given(
    st.lists(TEXTS, max_size=5),
    TEXTS,
    FILES,
    FILES,
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    RATES,
    RATES,
    st.none() | st.lists(TEXTS, max_size=3),
    st.integers(-POSITION_MAX, POSITION_MAX),
)
def test_options_survive(
    labels: list[str],
    name: str,
    high: set[int],
    low: set[int],
    flags: tuple[bool, bool, bool],
    down: int,
    up: int,
    rules: list[str] | None,
    position: int,
) -> None:
    options = TorrentOptions(
        labels=tuple(labels),
        name=name,
        high=tuple(sorted(high)),
        low=tuple(sorted(low - high)),
        sequential=flags[0],
        super_seeding=flags[1],
        download_bytes_per_s_max=down,
        upload_bytes_per_s_max=up,
        rules=tuple(rules) if rules is not None else None,
        position=position,
        forced=flags[2],
        patterns=tuple(labels[:2]),
        final_dir="/srv/done" if flags[0] else "",
    )
    raw = encode(encode_options(options))
    assert decode_options(decode_dict(raw, STATE_LIMITS)) == options


def test_defaults_are_not_written_and_what_is_not_known_is_left_aside() -> None:
    assert encode_options(TorrentOptions()) == {}
    assert decode_options({b"of a later version": [1]}) == TorrentOptions()


@pytest.mark.parametrize(
    "body",
    [
        {b"labels": b"a"},
        {b"labels": [1]},
        {b"labels": [b"\xff"]},
        {b"labels": [b"a"] * (LABELS_MAX + 1)},
        {b"rules": [b"a"] * (RULES_MAX + 1)},
        {b"name": b"x" * 2000},
        {b"name": 1},
        {b"patterns": [b"a"] * (PATTERNS_MAX + 1)},
        {b"high": [2, 1]},
        {b"high": [1, 1]},
        {b"high": [-1]},
        {b"high": [b"1"]},
        {b"high": b"1"},
        {b"high": [1], b"low": [1]},
        {b"sequential": 2},
        {b"forced": b"1"},
        {b"final_dir": b"srv"},
        {b"final_dir": b"/srv\0"},
        {b"final_dir": 1},
        {b"position": POSITION_MAX + 1},
        {b"upload_bytes_per_s_max": -1},
        {b"download_bytes_per_s_max": RATE_BYTES_PER_S_MAX + 1},
    ],
)
def test_nonsense_is_refused(body: dict[bytes, Bencoded]) -> None:
    with pytest.raises(ProtocolError):
        decode_options(body)
