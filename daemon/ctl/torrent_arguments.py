"""The verbs that say what is wanted of torrents; their options go to the daemon as they are."""

import argparse
import re
from collections.abc import Callable, Sequence

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.help_texts import DETAILS
from torrentd.daemon.ctl.parser import Parser, Verbs

_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]+)?) ?([kmgKMG]?)(?:i?B)?(?:/s)?")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
TORRENTS_HELP = "infohash, 4 digits of it, name, 'na*e', state:paused, all"


def define_torrent_verbs(verbs: Verbs) -> None:
    limits = verbs.add("limits", "how fast data may flow, in all or a torrent", DETAILS["limits"])
    limits.add_argument("torrents", nargs="*", metavar="TORRENT", help=TORRENTS_HELP)
    limit_options(limits, "--down", "--up")
    to_daemon(
        limits,
        "--alternative",
        "alternative",
        "let the alternative limits hold, or not, or by the clock",
        choices=("on", "off", "auto"),
    )


def define_files(parser: Parser) -> None:
    parser.add_argument("torrent", metavar="TORRENT", help="infohash, 4 digits of it, or name")
    for name, sentence in (
        ("select", "download these alone, by numbers or names, as in 0,2,4-7 or '*.mkv'"),
        ("also", "download these too"),
        ("skip", "do not download these"),
        ("high", "these before others"),
        ("normal", "these with others"),
        ("low", "these after others"),
    ):
        chosen_files(parser, name, sentence)
    to_daemon(
        parser, "--sequential", "sequential", "pieces in order, or not", "on|off", read=_switch
    )


def limit_options(parser: Parser, down: str, up: str) -> None:
    for name, key, which in (
        (down, "download_bytes_per_s_max", "download"),
        (up, "upload_bytes_per_s_max", "upload"),
    ):
        to_daemon(parser, name, key, f"{which} at most so much a second; 0: no limit", "RATE", rate)


def rate(text: str) -> int:
    """Bytes a second, as people write them."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no rate; 500K, 1.5M and 0 are')
    return int(float(match[1]) * _UNITS[match[2].lower()])


def to_daemon(
    parser: Parser,
    name: str,
    key: str,
    sentence: str,
    metavar: str | None = None,
    read: Callable[[str], Json] = str,
    choices: Sequence[str] | None = None,
    many: bool = False,
) -> None:
    """An option whose value is the daemon's parameter `key`; `many`: it may be there again."""
    parser.add_argument(
        name,
        dest=key,
        action=_Parameters if many else _Parameter,
        type=read,
        metavar=metavar,
        choices=choices,
        default=argparse.SUPPRESS,
        help=sentence,
    )


def flag_to_daemon(parser: Parser, name: str, key: str, sentence: str) -> None:
    """An option that says true."""
    parser.add_argument(
        name,
        dest=key,
        action=_Parameter,
        nargs=0,
        const=True,
        default=argparse.SUPPRESS,
        help=sentence,
    )


def chosen_files(parser: Parser, name: str, sentence: str) -> None:
    """`--NAME 0,2-4 --NAME '*.mkv'`."""
    to_daemon(parser, f"--{name}", name, sentence, "FILES", many=True)


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f'"{text}" is neither on nor off')
    return text == "on"


class _Parameter(argparse.Action):
    """Puts its value among `params`, by the name that the daemon knows."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, "params", {})  # a verb's namespace begins empty
        namespace.params = {**before, self.dest: self.const if self.nargs == 0 else values}


class _Parameters(argparse.Action):
    """Puts its value at the end of a list among `params`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, "params", {})
        namespace.params = {**before, self.dest: [*before.get(self.dest, ()), values]}
