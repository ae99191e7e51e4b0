"""The keys of each page: what the footer and the page of help say comes from here, and so do the
bindings themselves. No terminal is known here."""

from collections.abc import Sequence
from typing import NamedTuple

from torrentd.daemon.ctl.columns import cut


class Key(NamedTuple):
    """`keys` as Textual names them, with commas; `action` as it finds them. `word` is for the
    footer, "" for what is told in the help alone."""

    keys: str
    shown: str
    action: str
    word: str
    sentence: str


_HELP = Key("question_mark,f1", "?", "help", "help", "this page")
_QUIT = Key("q", "q", "app.end", "quit", "leave the screen; the daemon goes on")
_BACK = Key("escape,backspace,q", "Esc", "back", "back", "back to the torrents")
_MOVING = Key("", "↑ ↓ PgUp PgDn Home End", "", "", "move, also with j and k")

_ON_TORRENT = (  # the most wanted first, as footers have not room for all
    Key("p", "p", "pause", "pause", "stop its transfers; nothing is forgotten"),
    Key("r", "r", "resume", "resume", "let it go on, also after an error"),
    Key("x,delete", "x", "remove", "remove", "forget it, with its data or without; it asks first"),
    Key("w", "w", "why", "why", "what holds it up, and what would help"),
)
_ON_TORRENT_SELDOM = (
    Key("l", "l", "limits", "limits", "how fast its data may flow"),
    Key("v", "v", "verify", "verify", "check its data on disk against its hashes"),
)
_DHT = Key("d", "d", "app.dht", "DHT", "the DHT node")
_ADD = Key("a", "a", "app.add", "add", "add a magnet, an infohash or a torrent file")
_LIMITS_OF_ALL = Key("L", "L", "limits_of_all", "", "how fast the data of all together may flow")

TORRENTS = (
    _HELP,
    _QUIT,
    Key("enter", "Enter", "app.open", "open", "its rates, peers, files and pieces"),
    _ADD,
    *_ON_TORRENT,
    Key("slash", "/", "filter", "filter", "show only some: a part of the name, state:…, label:…"),
    _DHT,
    Key("s", "s", "sort", "sort", "sort by the next column, which is underlined"),
    *_ON_TORRENT_SELDOM,
    Key("S", "S", "turn", "", "turn the order round"),
    _LIMITS_OF_ALL,
    Key("escape", "Esc", "clear", "", "show all again"),
    _MOVING,
)
TORRENT = (
    _HELP,
    _BACK,
    Key("right,tab", "→", "next", "next", "the next of its pages, also Tab"),
    Key("left,shift+tab", "←", "previous", "", "the page before"),
    *(
        Key(str(number), str(number), f"turn_to({number - 1})", "", f"its {word}")
        for number, word in enumerate(("rates", "peers", "files", "pieces"), 1)
    ),
    *_ON_TORRENT,
    *_ON_TORRENT_SELDOM,
    Key("space", "Space", "want", "", "on a file: download it, or not"),
    Key("plus", "+", "before('high')", "", "on a file: before others"),
    Key("minus", "-", "before('low')", "", "on a file: after others"),
    Key("equals_sign", "=", "before('normal')", "", "on a file: with others"),
    _DHT,
    _LIMITS_OF_ALL,
    _MOVING,
)
DHT = (
    _HELP,
    _BACK,
    Key("right,tab,left,shift+tab", "→", "next", "next", "its state, or its nodes; also Tab"),
    _MOVING,
)


def footer(keys: Sequence[Key], width: int) -> str:
    """As many as there is room for; the first, which tells the others, always."""
    text = ""
    for key in keys:
        if key.word:
            longer = f"{text}  {key.shown} {key.word}" if text else f"{key.shown} {key.word}"
            if text and len(longer) > width:
                break
            text = longer
    return cut(text, width)


def help_lines(keys: Sequence[Key]) -> list[str]:
    told = [key for key in keys if key.sentence]
    width = max(len(key.shown) for key in told)
    return [f"{key.shown:<{width}}  {key.sentence}" for key in told]
