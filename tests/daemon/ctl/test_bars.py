"""One line a torrent in the terminal's width, whatever it is called."""

import io

import pytest
from rich.cells import cell_len

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.bars import make_console, progress_grid
from torrentd.daemon.ctl.document import Document

DAEMON = Document({"dht": {"nodes_good": 123}})


def drawn(width: int, *torrents: dict[str, Json]) -> list[str]:
    output = io.StringIO()
    console = make_console(output)
    console.width = width
    console.print(progress_grid(DAEMON, [Document(torrent) for torrent in torrents], width))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def download(name: str = "one", progress: float = 0.5, **fields: Json) -> dict[str, Json]:
    return {
        "name": name,
        "state": "downloading",
        "progress": progress,
        "download_rate_bytes_per_s": 12_897_485,
        "peers_connected": 14,
        "eta_s": 3725,
        **fields,
    }


def magnet(stage: str, name: str = "one") -> dict[str, Json]:
    return {
        "name": name,
        "state": "metadata",
        "stage": stage,
        "peers_known": 5,
        "peers_connected": 1,
        "stages_s": {"dht": 0.42, "peers": 12.3, "handshakes": 0.0, "metadata": 75},
    }


def test_a_download_has_a_bar_and_its_numbers() -> None:
    (line,) = drawn(77, download())
    assert line.startswith("one ") and "━" in line
    assert line.endswith("50.0% 12.3 MiB/s  14 peers  1h02m")


def test_the_bar_grows_with_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")  # without colours only what is done is drawn
    lengths = [
        drawn(77, download(progress=progress))[0].count("━") for progress in (0.0, 0.3, 0.6, 1.0)
    ]
    assert lengths[0] == 0 and lengths == sorted(set(lengths)) and lengths[-1] > 15


@pytest.mark.parametrize("stage", ["dht", "peers", "handshakes", "metadata"])
def test_a_magnet_shows_the_stage_it_is_in_and_what_each_took(stage: str) -> None:
    passed = ["DHT 0.4s", "peers 12s", "handshake 0.0s"]
    present = ["DHT 123, 0.4s …", "peers 5, 12s …", "handshake 1, 0.0s …", "metadata 1m15s …"]
    coming = ["peers", "handshake", "metadata"]
    place = ["dht", "peers", "handshakes", "metadata"].index(stage)
    (line,) = drawn(77, magnet(stage))
    assert line == "one  " + " → ".join([*passed[:place], present[place], *coming[place:]])


def test_a_state_takes_the_place_of_the_rate() -> None:
    (line,) = drawn(77, download(state="checking"))
    assert "checking" in line and "MiB/s" not in line and "1h02m" not in line


@pytest.mark.parametrize("width", [40, 60, 77, 200])
@pytest.mark.parametrize("name", [*HOSTILE, "x" * 200, "日本語" * 40])
def test_one_line_each_within_the_width(width: int, name: str) -> None:
    lines = drawn(width, download(name), magnet("peers", name))
    assert len(lines) == 2
    assert all(is_safe(line) and cell_len(line) <= width for line in lines)


def test_a_name_is_no_markup() -> None:
    (line,) = drawn(77, download("[red]x[/red] :smile:"))
    assert line.startswith("[red]x[/red] :smile:")
