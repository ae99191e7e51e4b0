"""Peer ids and client names (BEP 20)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.wire.formats.peer_ids import OUR_PREFIX, client_name, make_peer_id


def test_our_id_is_our_prefix_and_twelve_random_characters() -> None:
    made = [make_peer_id(random.Random(seed)) for seed in range(100)]
    assert len(set(made)) == 100
    assert all(peer_id.startswith(OUR_PREFIX) and len(peer_id) == 20 for peer_id in made)
    assert all(peer_id[8:].isalnum() for peer_id in made)
    assert make_peer_id(random.Random(1)) == made[1]
    assert client_name(made[0]) == "torrentd 0.1"


@pytest.mark.parametrize(
    ("peer_id", "name"),
    [
        (b"-TR4050-xxxxxxxxxxxx", "Transmission 4.0.5"),
        (b"-LT20B0-xxxxxxxxxxxx", "libtorrent 2.0.11"),
        (b"-qB5110-xxxxxxxxxxxx", "qBittorrent 5.1.1"),
        (b"-ZZ1000-xxxxxxxxxxxx", "ZZ 1.0"),
        (b"M7-10-1--xxxxxxxxxxx", "unknown"),
        (bytes(20), "unknown"),
        (b"-\x1b[3100-xxxxxxxxxxx", "unknown"),
        (b"-TR", "unknown"),
        (b"", "unknown"),
    ],
)
def test_a_name_is_what_people_call_the_client(peer_id: bytes, name: str) -> None:
    assert client_name(peer_id) == name


@given(st.binary(max_size=20))
def test_no_peer_id_gives_more_than_short_printable_ascii(peer_id: bytes) -> None:
    for candidate in (peer_id, b"-" + peer_id):
        name = client_name(candidate)
        assert name.isascii() and name.isprintable() and 0 < len(name) <= 40
