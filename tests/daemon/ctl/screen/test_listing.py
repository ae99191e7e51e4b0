"""The order and the choice of torrents in the list, against a plain sort and a plain filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen.listing import SORTS, Listing, matches
from torrentd.daemon.ctl.tables import TORRENT_COLUMNS


def torrent(number: int, **fields: Json) -> Document:
    return Document({"infohash": f"{number:040x}", "name": f"torrent {number}", **fields})


def listing(*torrents: Document) -> Listing:
    made = Listing()
    made.replace(torrents)
    return made


def numbers(made: Listing) -> list[int]:
    return [int(infohash, 16) for infohash in made.order]


def sorted_by(made: Listing, title: str) -> None:
    while made.sort.title != title:
        made.sort_next()


def test_every_sort_is_by_a_column_that_there_is() -> None:
    assert {sort.title for sort in SORTS} <= {column.title for column in TORRENT_COLUMNS} | {""}
    assert SORTS[0].title == ""


def test_at_first_they_stand_as_they_were_added() -> None:
    made = listing(torrent(3), torrent(1), torrent(2))
    assert numbers(made) == [3, 1, 2]
    made.turn()
    assert numbers(made) == [2, 1, 3]


@given(st.lists(st.integers(0, 5), max_size=12))
def test_by_a_rate_the_fastest_are_first_and_equals_keep_their_order(rates: list[int]) -> None:
    torrents = [torrent(n, download_rate_bytes_per_s=rate) for n, rate in enumerate(rates)]
    made = listing(*torrents)
    sorted_by(made, "DOWN/s")
    order = sorted(range(len(rates)), key=lambda n: (-rates[n], n))
    assert numbers(made) == order
    made.turn()
    assert numbers(made) == sorted(range(len(rates)), key=lambda n: (rates[n], n))


def test_who_does_not_move_has_the_most_time_left() -> None:
    made = listing(
        torrent(1, state="seeding"),
        torrent(2, state="downloading", eta_s=50),
        torrent(3, state="downloading", eta_s=None),
        torrent(4, state="downloading", eta_s=10),
    )
    sorted_by(made, "LEFT")
    assert numbers(made) == [4, 2, 1, 3]


def test_sorting_goes_round() -> None:
    made = listing(torrent(1))
    for _ in SORTS:
        made.sort_next()
    assert made.sort is SORTS[0]


def test_numbers_change_without_another_order_until_all_are_known_again() -> None:
    made = listing(torrent(1, progress=0.1), torrent(2, progress=0.2))
    sorted_by(made, "DONE")
    changed = torrent(1, progress=0.9)
    made.update([changed, torrent(7)])
    assert numbers(made) == [1, 2] and made.get(changed.text("infohash")) is changed
    assert len(made) == 2
    made.replace([changed, torrent(2, progress=0.2)])
    assert numbers(made) == [2, 1]


def test_one_that_is_gone_reads_as_nothing() -> None:
    assert listing().get("ab").text("name") == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", [1, 2, 3]),
        ("debian", [1, 2]),
        ("DEBIAN 13", [1]),
        ("state:pau", [2]),
        ("label:ISO debian", [1]),
        ("00000000", [1, 2, 3]),
        ("00", []),
        ("000000000000000000000000000000000000000" + "3", [3]),
        ("xyzzy", []),
    ],
)
def test_the_filter_shows_what_has_every_word(words: str, shown: list[int]) -> None:
    made = listing(
        torrent(1, name="Debian 13.iso", state="seeding", labels=["isos", "new"]),
        torrent(2, name="debian 12.iso", state="paused"),
        torrent(3, name="film", state="seeding", labels=["films"]),
    )
    made.words = words
    made.arrange()
    assert numbers(made) == shown
    assert len(made) == 3


def test_a_word_of_a_name_may_look_like_a_state() -> None:
    assert not matches(torrent(1, name="state:paused", state="seeding"), ["state:paused"])
