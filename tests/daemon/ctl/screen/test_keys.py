"""The keys: each is told once, and the footer always says how to learn the others."""

import pytest

from torrentd.daemon.ctl.screen.keys import DHT, TORRENT, TORRENTS, Key, footer, help_lines

PAGES = [TORRENTS, TORRENT, DHT]


@pytest.mark.parametrize("keys", PAGES)
def test_no_key_means_two_things_on_a_page(keys: tuple[Key, ...]) -> None:
    pressed = [name for key in keys for name in key.keys.split(",") if name]
    assert len(pressed) == len(set(pressed))


@pytest.mark.parametrize("keys", PAGES)
@pytest.mark.parametrize("width", [1, 20, 60, 80, 120, 300])
def test_the_footer_is_as_wide_as_there_is_room(keys: tuple[Key, ...], width: int) -> None:
    text = footer(keys, width)
    assert len(text) <= width
    assert width < 20 or text.startswith("? help  ")
    words = [key.word for key in keys if key.word]
    assert width < 300 or all(word in text for word in words)


@pytest.mark.parametrize("keys", PAGES)
def test_the_help_has_every_key_in_lines_of_eighty_columns(keys: tuple[Key, ...]) -> None:
    lines = help_lines(keys)
    assert len(lines) == len(keys)
    assert max(map(len, lines)) <= 80
    assert len({line.split("  ")[0] for line in lines}) == len(lines)


def test_the_common_acts_have_keys_where_a_torrent_is_chosen() -> None:
    for keys in (TORRENTS, TORRENT):
        assert {"pause", "resume", "verify", "remove", "why", "limits"} <= {k.action for k in keys}
