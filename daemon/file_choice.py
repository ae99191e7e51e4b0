"""Which files a person means, by numbers or by names, and what is to become of them.

A name may be a pattern, as a shell has it; it is compared with the whole path, with the path below
the torrent's own folder, and with the last part. Numbers are those of BEP 53: `0,2,4-7`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from itertools import chain
from typing import Final

from torrentd.daemon.status import Refused
from torrentd.wire.store.options import PATTERNS_MAX, TorrentOptions

RANGES: Final = re.compile(r"[0-9]{1,7}(-[0-9]{1,7})?(,[0-9]{1,7}(-[0-9]{1,7})?)*")
TEXT_SHOWN: Final = 80


@dataclass(slots=True)
class FileChoice:
    """Numbers or patterns each. `select`: these alone; `also`: these too; `skip`: these not."""

    select: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    high: list[str] = field(default_factory=list)
    normal: list[str] = field(default_factory=list)
    low: list[str] = field(default_factory=list)
    sequential: bool | None = None


Selection = tuple[int, ...] | None  # None: all files


def choose(
    choice: FileChoice, select: Selection, options: TorrentOptions, names: Sequence[str]
) -> tuple[Selection, TorrentOptions]:
    """What is wanted then, of a torrent with these names ("" for padding). Raises Refused."""
    wanted = set(range(len(names)) if select is None else select)
    if choice.select:
        wanted = set(files_of(choice.select, names))
    wanted |= set(files_of(choice.also, names))
    wanted -= set(files_of(choice.skip, names))
    high, usual, low = (set(files_of(t, names)) for t in (choice.high, choice.normal, choice.low))
    if high & usual or high & low or usual & low:
        raise Refused("a file cannot have two priorities")
    others = high | usual | low
    changed = replace(
        options,
        high=tuple(sorted(high | (set(options.high) - others))),
        low=tuple(sorted(low | (set(options.low) - others))),
        sequential=_either(choice.sequential, options.sequential),
        patterns=(),
    )
    everything = all(i in wanted for i, name in enumerate(names) if name)
    return None if everything else tuple(sorted(wanted)), changed


def choose_unseen(
    choice: FileChoice, select: Selection, options: TorrentOptions
) -> tuple[Selection, TorrentOptions]:
    """The same before the names are known: then patterns wait for them. Raises Refused."""
    if any((choice.also, choice.skip, choice.high, choice.normal, choice.low)):
        raise Refused("its files are not known yet; only --select and --sequential can be said now")
    sequential = _either(choice.sequential, options.sequential)
    if not choice.select:
        return select, replace(options, sequential=sequential)
    if len(choice.select) > PATTERNS_MAX:
        raise Refused(f"at most {PATTERNS_MAX} patterns can wait for the names of files")
    if all(map(RANGES.fullmatch, choice.select)):
        numbers = tuple(sorted(set(chain.from_iterable(map(numbers_of, choice.select)))))
        return numbers, replace(options, sequential=sequential, patterns=())
    return None, replace(options, sequential=sequential, patterns=tuple(choice.select))


def files_of(texts: Sequence[str], names: Sequence[str]) -> list[int]:
    """All that these name. Raises Refused for one that names nothing."""
    return list(chain.from_iterable(_named(text, names) for text in texts))


def numbers_of(text: str) -> range | list[int]:
    """The numbers of `0,2,4-7`, which RANGES matches."""
    pairs = (part.partition("-") for part in text.split(","))
    spans = [range(int(first), int(last or first) + 1) for first, _, last in pairs]
    if not all(spans) or sum(map(len, spans)) > 10**6:
        raise Refused(f"{text[:TEXT_SHOWN]!r} has a range that leads downwards, or too many files")
    return list(chain.from_iterable(spans))


def _named(text: str, names: Sequence[str]) -> list[int]:
    if RANGES.fullmatch(text):
        numbers = list(numbers_of(text))
        if max(numbers) >= len(names):
            raise Refused(f"the torrent has the files 0 to {len(names) - 1}")
        return numbers
    matches = re.compile(translate(text)).match
    found = [i for i, name in enumerate(names) if name and any(map(matches, _forms(name)))]
    if not found:
        raise Refused(f"no file of it is {text[:TEXT_SHOWN]!r}; `torrentctl files` lists them")
    return found


def _forms(name: str) -> tuple[str, str, str]:
    return name, name.partition("/")[2], name.rpartition("/")[2]


def _either(changed: bool | None, before: bool) -> bool:
    return before if changed is None else changed
