"""What may come next on the command line, for the completion scripts of the shells.

The scripts ask with every TAB and know nothing themselves: verbs, options and choices are read off
the parser, names are those of the running daemon. A stranger's name goes onto the command line only
if no shell could take it for anything but a word; else the torrent's infohash stands for it.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import Failure

FILES: Final = ":files"  # in place of a candidate: the shell knows better
FOLDERS: Final = ":folders"
TORRENTS_MAX: Final = 1000
ANSWER_S: Final = 2.0  # nobody waits longer for a TAB
_HARMLESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_RESERVED: Final = ("all",)
_HEX: Final = re.compile(r"[0-9a-f]+")


class Candidate(NamedTuple):
    word: str
    meaning: str = ""


Torrents = Callable[[str], list[Candidate]]


def script(shell: str) -> str:
    """The completion script of bash, zsh or fish."""
    from importlib.resources import files

    name = f"torrentctl.{shell}"
    return (files("torrentd.daemon.ctl") / "completions" / name).read_text(encoding="utf-8")


def print_candidates(candidates: Iterable[Candidate]) -> None:
    for candidate in candidates:
        print(f"{candidate.word}\t{candidate.meaning}" if candidate.meaning else candidate.word)


def complete(
    parser: argparse.ArgumentParser, words: Sequence[str], torrents: Torrents
) -> list[Candidate]:
    """For the last of the words after `torrentctl`, which may be empty: what it could become."""
    awaited: argparse.Action | None = None  # the option whose value comes next
    positionals = 0
    for word in words[:-1]:
        if awaited is not None:
            awaited = None
        elif word.startswith("-") and word != "-":
            option = _options(parser).get(word)
            awaited = option if option is not None and option.nargs is None else None
        elif word in (verbs := _verbs(parser)):
            parser, positionals = verbs[word], 0
        else:
            positionals += 1
    typed = words[-1] if words else ""
    return [
        candidate
        for candidate in _all(parser, typed, awaited, positionals, torrents)
        if candidate.word.startswith((typed, ":"))
    ]


def live_torrents(client: Client, typed: str) -> list[Candidate]:
    """The daemon's torrents that may be meant; [] without a daemon."""
    try:
        torrents = client.call("status", answer_s=ANSWER_S).children("torrents")
    except Failure:
        return []
    found = [_candidate(torrent, typed) for torrent in torrents]
    return [candidate for candidate in found if candidate.word.startswith(typed)][:TORRENTS_MAX]


def _candidate(torrent: Document, typed: str) -> Candidate:
    name, infohash = torrent.text("name"), torrent.text("infohash")
    by_name = _HARMLESS.fullmatch(name) is not None and name not in _RESERVED
    if by_name and not (_HEX.fullmatch(typed) and infohash.startswith(typed)):
        return Candidate(name, torrent.text("state"))
    return Candidate(infohash[: max(8, len(typed))], name)


def _all(
    parser: argparse.ArgumentParser,
    typed: str,
    awaited: argparse.Action | None,
    positionals: int,
    torrents: Torrents,
) -> list[Candidate]:
    if awaited is not None:
        return _values(awaited, typed, torrents)
    if typed.startswith("-"):
        return [
            Candidate(name, action.help or "")
            for name, action in _options(parser).items()
            if name.startswith("--")
        ]
    if _verbs(parser):
        return [Candidate(name, _sentence(verb)) for name, verb in _verbs(parser).items()]
    takes = [action for action in parser._actions if not action.option_strings]
    if not takes:
        return []
    action = takes[min(positionals, len(takes) - 1)]
    if positionals >= len(takes) and action.nargs not in ("+", "*"):
        return []
    return _values(action, typed, torrents)


def _values(action: argparse.Action, typed: str, torrents: Torrents) -> list[Candidate]:
    if action.choices is not None:
        return [Candidate(str(choice)) for choice in action.choices]
    match action.metavar:
        case "TORRENT":
            return torrents(typed)
        case "DIR":
            return [Candidate(FOLDERS)]
        case "PATH" | "FILE" | "URI|FILE|INFOHASH|-":
            return [Candidate(FILES)]
    return []


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {name: action for action in parser._actions for name in action.option_strings}


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _sentence(parser: argparse.ArgumentParser) -> str:
    return (parser.description or "").rstrip(".")
