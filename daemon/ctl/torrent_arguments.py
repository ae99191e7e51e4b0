"""The verbs that say what is wanted of torrents; their options go to the daemon as they are."""

import argparse
import re
from collections.abc import Callable, Sequence

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.help_texts import DETAILS
from torrentd.daemon.ctl.parser import Parser, Verbs

# Compiled when one is typed.
_RATE = r"([0-9]{1,12}(?:\.[0-9]+)?) ?([kmgKMG]?)(?:i?B)?(?:/s)?"
_NUMBER = r"[0-9]{1,6}(\.[0-9]{1,3})?"
_TIME = r"[0-9]{1,6}[mhdw]"
_DURATION = r"([0-9]+(?:\.[0-9]+)?)([smhd]?)"
_DURATION_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
TORRENTS_HELP = "infohash, 4 digits of it, name, 'na*e', state:paused, label:a, all"


def define_torrent_verbs(verbs: Verbs) -> None:
    limits = verbs.add("limits", "how fast data may flow, in all or a torrent", DETAILS["limits"])
    limits.add_argument("torrents", nargs="*", metavar="TORRENT", help=TORRENTS_HELP)
    limit_options(limits, "--down", "--up")
    rule_options(limits)
    to_daemon(
        limits,
        "--super-seed",
        "super_seeding",
        "show each peer a piece or two at a time, or all",
        "on|off",
        read=_switch,
    )
    to_daemon(
        limits,
        "--alternative",
        "alternative",
        "let the alternative limits hold, or not, or by the clock",
        choices=("on", "off", "auto"),
    )
    stats = verbs.add("stats", "what was moved: in all, in this run, by day", DETAILS["stats"])
    to_daemon(stats, "--days", "days", "so many days; 14 if not given", "COUNT", int)
    resolve = verbs.add(
        "resolve", "the torrent file of a magnet, added nowhere", DETAILS["resolve"]
    )
    resolve.add_argument("uri", metavar="MAGNET|INFOHASH", help="a magnet link, or an infohash")
    resolve.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="where to write the torrent file; - for standard output",
    )
    to_daemon(resolve, "--timeout", "timeout_s", "give up after 90s, 5m; 60s", "TIME", duration)
    _define_places(verbs)


def _define_places(verbs: Verbs) -> None:
    """Where torrents are: on disk, in the queue, under which labels."""
    move = verbs.add("move", "move the data of torrents to another folder", DETAILS["move"])
    move.add_argument("torrents", nargs="+", metavar="TORRENT", help=TORRENTS_HELP)
    move.add_argument("dir", metavar="DIR", help="where the data goes")
    rename = verbs.add("rename", "another name for a torrent, or a file of it", DETAILS["rename"])
    rename.add_argument("torrent", metavar="TORRENT", help="infohash, 4 digits of it, or name")
    rename.add_argument("path", nargs="?", default="", metavar="PATH", help="as files shows it")
    rename.add_argument("name", metavar="NAME", help="the new name, without a folder")
    queue = verbs.add("queue", "whose turn it is, and who comes next", DETAILS["queue"])
    queue.add_argument("torrents", nargs="*", metavar="TORRENT", help=TORRENTS_HELP)
    for to, sentence in (
        ("top", "before all others"),
        ("up", "one place up"),
        ("down", "one place down"),
        ("bottom", "behind all others"),
        ("now", "run, whatever the others do"),
        ("later", "wait for the turn again"),
    ):
        flag_to_daemon(queue, f"--{to}", "to", sentence, to)
    label = verbs.add("label", "give torrents labels, or take them", DETAILS["label"])
    label.add_argument("torrents", nargs="+", metavar="TORRENT", help=TORRENTS_HELP)
    to_daemon(label, "--add", "add", "a label to give", "LABEL", many=True)
    to_daemon(label, "--remove", "remove", "a label to take", "LABEL", many=True)


def adding_options(parser: Parser) -> None:
    """What `add` says of a torrent beside where it comes from."""
    chosen_files(parser, "select", "download these files alone, as in 0,2,4-7 or '*.mkv'")
    flag_to_daemon(parser, "--sequential", "sequential", "pieces in order, as a player wants them")
    flag_to_daemon(parser, "--super-seed", "super_seeding", "as its only seed; see limits --help")
    to_daemon(parser, "--label", "labels", "a label that it gets", "LABEL", many=True)
    limit_options(parser, "--limit-down", "--limit-up")
    rule_options(parser)


def rule_options(parser: Parser) -> None:
    """A torrent's own rules for seeding."""
    for name, sentence, metavar, read in (
        ("--ratio", "pause it when so many times its size was uploaded", "NUMBER", _ratio_rule),
        ("--seed-time", "pause it so long after it is done, as in 12h or 14d", "TIME", _time_rule),
        ("--rule", "as in 'when ratio > 2 and seeds > 5: pause'; none, default", "RULE", str),
    ):
        to_daemon(parser, name, "rules", sentence, metavar, read, many=True)


def _ratio_rule(text: str) -> str:
    if not re.fullmatch(_NUMBER, text):
        raise argparse.ArgumentTypeError(f'"{text}" is no ratio; 2 and 1.5 are')
    return f"when ratio >= {text}: pause"


def _time_rule(text: str) -> str:
    if not re.fullmatch(_TIME, text):
        raise argparse.ArgumentTypeError(f'"{text}" is no time; 90m, 12h, 14d and 2w are')
    return f"when seeding >= {text}: pause"


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
    match = re.fullmatch(_RATE, text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no rate; 500K, 1.5M and 0 are')
    return int(float(match[1]) * _UNITS[match[2].lower()])


def duration(text: str) -> float:
    """Seconds."""
    match = re.fullmatch(_DURATION, text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; 90, 90s, 5m and 2h are')
    seconds = float(match[1]) * _DURATION_UNITS_S[match[2]]
    if seconds > 365 * 86400:
        raise argparse.ArgumentTypeError(f'"{text}" is longer than a year')
    return seconds


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


def flag_to_daemon(parser: Parser, name: str, key: str, sentence: str, value: Json = True) -> None:
    """An option that says true, or another value of its own."""
    parser.add_argument(
        name,
        dest=key,
        action=_Parameter,
        nargs=0,
        const=value,
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
