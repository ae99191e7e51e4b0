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
