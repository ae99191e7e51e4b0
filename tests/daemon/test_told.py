"""What was told, made of events and kept in a file's head."""

import json
import random

from torrentd.daemon.told import Told, ToldTorrent, ranges_text

ONE, TWO = "ab" * 20, "cd" * 20


def told_of(*events: dict[str, object]) -> Told:
    told = Told()
    for event in events:
        told.hear(event)
    return told


def about(event: str, infohash: str = ONE, **fields: object) -> dict[str, object]:
    return {"event": event, "infohash": infohash, **fields}


def test_a_torrent_gets_on() -> None:
    told = told_of(about("added"), about("metadata"), about("file-done", file=3), about("paused"))
    assert told.torrents == {ONE: ToldTorrent(metadata=True, paused=True, files=frozenset({3}))}
    told.hear(about("resumed"))
    told.hear(about("done"))
    assert told.torrents == {ONE: ToldTorrent(metadata=True, done=True)}


def test_one_that_lacks_something_again_has_some_files_all_the_same() -> None:
    told = told_of(about("added"), about("done"), about("incomplete", files_done="0-2,7"))
    assert told.torrents == {ONE: ToldTorrent(files=frozenset({0, 1, 2, 7}))}


def test_what_is_removed_is_forgotten_and_what_is_of_no_torrent_is_not_heard() -> None:
    told = told_of(about("added"), about("added", TWO), about("removed"), {"event": "started"})
    assert list(told.torrents) == [TWO]


def test_it_comes_back_from_a_file_as_it_was() -> None:
    rng = random.Random(5)
    told = Told()
    for number in range(200):
        flags = [rng.random() < 0.5 for _ in range(3)]
        files = frozenset(index for index in range(30) if rng.random() < 0.4)
        told.torrents[f"{number:040x}"] = ToldTorrent(flags[0], flags[1], flags[2], files)
    there = json.loads(json.dumps(told.to_json()))
    assert Told.from_json(there).torrents == told.torrents


def test_what_is_of_another_form_is_left_out() -> None:
    assert Told.from_json([1]).torrents == {}
    there = Told.from_json({ONE: ["m", ""], TWO: "m", "x": [1, 2, 3], "y": ["", 1]})
    assert list(there.torrents) == [ONE]


def test_ranges() -> None:
    assert ranges_text([]) == ""
    assert ranges_text([9, 0, 1, 2, 4]) == "0-2,4,9"
