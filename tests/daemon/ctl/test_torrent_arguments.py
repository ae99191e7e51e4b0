"""What is wanted of torrents, as it is typed."""

import pytest

from torrentd.daemon.ctl.arguments import parse
from torrentd.daemon.ctl.failure import USAGE, Failure
from torrentd.daemon.ctl.torrent_arguments import rate


@pytest.mark.parametrize(
    ("text", "bytes_per_s"),
    [
        ("0", 0),
        ("700", 700),
        ("500K", 512_000),
        ("500k", 512_000),
        ("500 KiB/s", 512_000),
        ("1.5M", 1_572_864),
        ("2MB", 2_097_152),
        ("1G", 2**30),
    ],
)
def test_rates(text: str, bytes_per_s: int) -> None:
    assert rate(text) == bytes_per_s


@pytest.mark.parametrize("text", ["", "-1", "fast", "1T", "1e9", "1,5M", "9" * 30])
def test_what_is_no_rate_is_told(text: str) -> None:
    with pytest.raises(Failure, match=r"is no rate; 500K, 1\.5M and 0 are") as caught:
        parse(["limits", f"--down={text}"])
    assert caught.value.exit_code == USAGE


def test_limits_travel_by_the_names_that_the_daemon_knows() -> None:
    options = parse(["limits", "one", "two", "--down", "1K", "--up", "0"])
    assert options.torrents == ["one", "two"]
    assert options.params == {"download_bytes_per_s_max": 1024, "upload_bytes_per_s_max": 0}
    assert parse(["limits", "--alternative", "off"]).params == {"alternative": "off"}
    assert parse(["limits"]).params == {}
    with pytest.raises(Failure, match='there is no "of"; did you mean "off"'):
        parse(["limits", "--alternative", "of"])


def test_files_are_chosen_by_options_that_may_be_there_again() -> None:
    line = ["files", "one", "--skip", "*.txt", "--skip", "4", "--high", "0-2"]
    options = parse([*line, "--sequential", "off"])
    assert options.torrent == "one"
    assert options.params == {"skip": ["*.txt", "4"], "high": ["0-2"], "sequential": False}
    with pytest.raises(Failure, match='"yes" is neither on nor off'):
        parse(["files", "one", "--sequential", "yes"])


def test_add_takes_patterns_for_many_torrents_and_numbers_for_one() -> None:
    options = parse(["add", "a", "b", "--select", "*.mkv", "--sequential"])
    assert options.params == {"select": ["*.mkv"], "sequential": True}
    with pytest.raises(Failure, match="numbers are of the files of one torrent"):
        parse(["add", "a", "b", "--select", "*.mkv", "--select", "0,2-3"])


def test_add_with_everything_that_is_wanted() -> None:
    line = "add a --label x --label y --limit-down 1K --limit-up 0 --ratio 1.5 --seed-time 14d"
    assert parse([*line.split(), "--rule", "when seeds > 5: pause"]).params == {
        "labels": ["x", "y"],
        "download_bytes_per_s_max": 1024,
        "upload_bytes_per_s_max": 0,
        "rules": [
            "when ratio >= 1.5: pause",
            "when seeding >= 14d: pause",
            "when seeds > 5: pause",
        ],
    }
    for wrong in ("--ratio=-1", "--ratio=x", "--seed-time=5", "--seed-time=x"):
        with pytest.raises(Failure, match="is no"):
            parse(["add", "a", wrong])


def test_labels() -> None:
    options = parse(["label", "one", "two", "--add", "a", "--remove", "b", "--add", "c"])
    assert options.torrents == ["one", "two"]
    assert options.params == {"add": ["a", "c"], "remove": ["b"]}


def test_the_queue() -> None:
    assert parse(["queue"]).params == {}
    options = parse(["queue", "one", "two", "--top"])
    assert (options.torrents, options.params) == (["one", "two"], {"to": "top"})
    assert parse(["queue", "one", "--now"]).params == {"to": "now"}


def test_moves_and_renames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/usr")
    options = parse(["move", "one", "two", "films"])
    assert (options.torrents, options.dir) == (["one", "two"], "/usr/films")
    options = parse(["rename", "one", "A name"])
    assert (options.torrent, options.path, options.name) == ("one", "", "A name")
    options = parse(["rename", "one", "a/b", "c"])
    assert (options.torrent, options.path, options.name) == ("one", "a/b", "c")
