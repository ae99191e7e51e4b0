"""How a person names torrents: by infohash or how it begins, name, pattern, state, label, or all.

What is reserved (`all`, `state:…`, `label:…`) comes before any name: names are given by strangers.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import translate
from typing import Final, Protocol, TypeVar, get_args

from torrentd.daemon.status import Refused, TorrentState
from torrentd.wire.formats.ids import InfoHash

PREFIX_MIN: Final = 4  # digits of an infohash
ALL: Final = "all"
STATE: Final = "state:"
LABEL: Final = "label:"
STATES: Final[tuple[str, ...]] = get_args(TorrentState)
TEXT_SHOWN: Final = 80
COMPARED_MAX: Final = 500  # names, of so many characters, when something is misspelt
COMPARED_LENGTH: Final = 60
_GLOB: Final = re.compile(r"[*?\[]")


class Named(Protocol):
    """What is asked of a torrent."""

    @property
    def infohash(self) -> InfoHash: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> TorrentState: ...
    @property
    def labels(self) -> tuple[str, ...]: ...


T = TypeVar("T", bound=Named)


def select(selector: str, torrents: Sequence[T]) -> list[T]:
    """All that it names, in their order; none only for a state that no torrent is in, and for `all`
    of none. Raises Refused with a sentence."""
    text = selector.strip()
    if text == ALL:
        return list(torrents)
    if text.startswith(STATE):
        return _in_state(text.removeprefix(STATE), torrents)
    if text.startswith(LABEL):
        return _labelled(text.removeprefix(LABEL), torrents)
    named = [torrent for torrent in torrents if torrent.name == text]
    if not named and len(text) >= PREFIX_MIN:
        prefix = text.lower()
        named = [torrent for torrent in torrents if torrent.infohash.hex().startswith(prefix)]
    if len(named) > 1:
        hashes = ", ".join(torrent.infohash.hex()[:12] for torrent in named[:5])
        raise Refused(f"{_shown(text)} may be one of {hashes}; write more of the infohash")
    if not named and _GLOB.search(text):
        pattern = re.compile(translate(text))
        named = [torrent for torrent in torrents if pattern.match(torrent.name)]
    if not named:
        raise Refused(f"there is no torrent {_shown(text)}; {_hint(text, torrents)}")
    return named


def select_one(selector: str, torrents: Sequence[T]) -> T:
    """The only one that it names. Raises Refused."""
    named = select(selector, torrents)
    if len(named) != 1:
        count = "no torrent" if not named else f"{len(named)} torrents"
        raise Refused(f"{_shown(selector)} names {count}, and one is needed")
    return named[0]


def _in_state(state: str, torrents: Sequence[T]) -> list[T]:
    if state not in STATES:
        near = get_close_matches(state[:TEXT_SHOWN], STATES, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(STATES)}"
        raise Refused(f"there is no state {_shown(state)}; {hint}")
    return [torrent for torrent in torrents if torrent.state == state]


def _labelled(label: str, torrents: Sequence[T]) -> list[T]:
    """A label is there when somebody has it."""
    named = [torrent for torrent in torrents if label in torrent.labels]
    if not named:
        labels = list(dict.fromkeys(each for torrent in torrents for each in torrent.labels))
        near = get_close_matches(label[:TEXT_SHOWN], labels[:COMPARED_MAX], 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise Refused(f"no torrent has the label {_shown(label)}{hint}")
    return named


def _hint(text: str, torrents: Sequence[T]) -> str:
    """The torrent that was meant, perhaps."""
    lower = text.lower()
    near = [torrent for torrent in torrents if lower and lower in torrent.name.lower()][:1]
    if not near:
        names = {t.name[:COMPARED_LENGTH].lower(): t for t in torrents[:COMPARED_MAX]}
        near = [names[key] for key in get_close_matches(lower[:COMPARED_LENGTH], names, 1)]
    if not near:
        return "`torrentctl status` lists them"
    return f"did you mean {near[0].infohash.hex()[:8]} {_shown(near[0].name)}?"


def _shown(text: str) -> str:
    return repr(text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…")
