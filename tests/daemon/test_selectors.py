"""How torrents are named: what each selector means, and the sentence for what means nothing."""

from dataclasses import dataclass

import pytest

from torrentd.daemon.selectors import STATES, select, select_one
from torrentd.daemon.status import Refused, TorrentState
from torrentd.wire.formats.ids import InfoHash


@dataclass
class Torrent:
    infohash: InfoHash
    name: str
    state: TorrentState = "seeding"
    labels: tuple[str, ...] = ()


def torrent(
    digits: str, name: str, state: TorrentState = "seeding", labels: tuple[str, ...] = ()
) -> Torrent:
    return Torrent(InfoHash(bytes.fromhex(digits.ljust(40, "0"))), name, state, labels)


ONE = torrent("c9e1aa", "debian-12.iso")
TWO = torrent("c9e1bb", "debian-13.iso", "paused", ("isos", "new"))
THREE = torrent("abcdef", "Sintel (2010) [1080p]", "paused")
TORRENTS = [ONE, TWO, THREE]


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        ("all", [ONE, TWO, THREE]),
        ("state:paused", [TWO, THREE]),
        ("state:error", []),
        ("label:isos", [TWO]),
        ("c9e1aa", [ONE]),
        ("ABCD", [THREE]),
        (ONE.infohash.hex(), [ONE]),
        ("debian-13.iso", [TWO]),
        (" debian-13.iso ", [TWO]),
        ("debian-*", [ONE, TWO]),
        ("*.iso", [ONE, TWO]),
        ("debian-1?.iso", [ONE, TWO]),
        ("debian-1[3-9].*", [TWO]),
        ("Sintel (2010) [1080p]", [THREE]),
        ("Sintel*", [THREE]),
    ],
)
def test_each_way_to_name_torrents(selector: str, named: list[Torrent]) -> None:
    assert select(selector, TORRENTS) == named


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        ("c9e1", "may be one of c9e1aa000000, c9e1bb000000; write more of the infohash"),
        ("label:iso", "no torrent has the label 'iso'; did you mean \"isos\"?"),
        ("label:", "no torrent has the label ''"),
        ("abc", "lists them"),
        ("", "lists them"),
        ("zzz*", "there is no torrent 'zzz*'"),
        ("sintel", "did you mean abcdef00 'Sintel (2010) [1080p]'?"),
        ("debian-31.iso", "did you mean c9e1bb00 'debian-13.iso'?"),
        ("state:puased", 'did you mean "paused"?'),
        ("state:xyzzy", "there are metadata, checking, downloading"),
        ("ALL", "there is no torrent 'ALL'"),
    ],
)
def test_what_names_nothing_is_one_sentence_that_helps(selector: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        select(selector, TORRENTS)
    assert sentence in str(refused.value)


def test_a_stranger_cannot_take_a_reserved_word_for_his_torrent() -> None:
    hostile = [torrent("11", "all"), torrent("22", "state:paused"), torrent("33", "harmless")]
    assert select("all", hostile) == hostile
    assert select("state:paused", hostile) == []


def test_two_of_one_name_are_told_apart_by_their_infohash() -> None:
    twins = [torrent("1234", "same"), torrent("5678", "same")]
    with pytest.raises(Refused, match=r"may be one of 1234.*, 5678"):
        select("same", twins)
    assert select("sam*", twins) == twins


@pytest.mark.parametrize("selector", ["all", "debian-*", "state:error"])
def test_a_verb_for_one_torrent_takes_no_more_and_no_less(selector: str) -> None:
    with pytest.raises(Refused, match="and one is needed"):
        select_one(selector, TORRENTS)
    assert select_one("*13*", TORRENTS) is TWO


def test_every_state_can_be_named() -> None:
    assert len(STATES) == 8
    for state in STATES:
        assert all(found.state == state for found in select(f"state:{state}", TORRENTS))


def test_neither_a_long_name_nor_a_wild_pattern_holds_up_the_loop() -> None:
    """The test's own time-out is the limit: a pattern that backtracks would take years."""
    many = [torrent(f"{number:08x}", "a" * 255) for number in range(2000)]
    for selector in ("*a" * 40 + "*b", "b" * 30_000, "a*" * 10_000 + "b", "[a-z]*" * 50 + "b"):
        with pytest.raises(Refused) as refused:
            select(selector, many)
        assert len(str(refused.value)) < 400
