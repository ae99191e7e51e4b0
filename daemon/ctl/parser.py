"""The parts of the command line: parsers with errors of one sentence, what all verbs share."""

import argparse
from collections.abc import Iterable
from typing import NoReturn

from torrentd.daemon.ctl.failure import USAGE, Failure

# What people type who come from another client.
SYNONYMS = {
    "list": "status",
    "ls": "status",
    "ps": "status",
    "start": "resume",
    "stop": "pause",
    "rm": "remove",
    "delete": "remove",
    "check": "verify",
    "recheck": "verify",
    "reannounce": "announce",
    "quit": "shutdown",
    "exit": "shutdown",
    "help": "--help",
}

EXIT_CODES = """\
exit codes:
  0 done, 1 the daemon said no, 2 wrong usage, 3 no daemon at the socket,
  4 timed out, 130 interrupted by Ctrl-C
"""


class Parser(argparse.ArgumentParser):
    """Errors are one sentence with the nearest right word, and end with the code for usage."""

    def error(self, message: str) -> NoReturn:
        raise Failure(USAGE, f"{message} ({self.prog} --help)")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if choices and value not in choices:
            hint = nearest(str(value), choices) or f"choose from {', '.join(choices)}"
            raise argparse.ArgumentError(None, f'there is no "{value}"; {hint}')

    def option_names(self) -> list[str]:
        return [name for action in self._actions for name in action.option_strings]


class HelpText(argparse.RawDescriptionHelpFormatter):
    """Texts stand as they are written; the list of verbs has a title and needs no second one."""

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        is_list = isinstance(action, argparse._SubParsersAction)
        return text.partition("\n")[2] if is_list else text


class Verbs:
    """The verbs of one parser; of a group (`dht nodes`) when it has a `prefix`."""

    def __init__(self, parser: Parser, dest: str, prefix: str = "") -> None:
        self.made: dict[str, Parser] = {}
        self._prefix = prefix
        self._choices = parser.add_subparsers(
            dest=dest, metavar="VERB", required=not prefix, title="verbs"
        )

    def add(self, name: str, sentence: str, details: str = "") -> Parser:
        """`sentence` stands in the list of verbs, `details` below the verb's own options."""
        parser = self._choices.add_parser(
            name,
            help=sentence,
            description=sentence[0].upper() + sentence[1:] + ".",
            epilog=f"{details}\n{EXIT_CODES}".lstrip(),
            formatter_class=HelpText,
            allow_abbrev=False,
        )
        add_common(parser)
        self.made[self._prefix + name] = parser
        return parser


def nearest(word: str, words: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # late: only a mistake needs it

    candidates = list(words)
    synonym = SYNONYMS.get(word)
    near = [synonym] if synonym in (*candidates, "--help") else None
    near = near or get_close_matches(word, candidates, 1)
    return f'did you mean "{near[0]}"?' if near else None


def add_common(parser: Parser) -> None:
    """Before the verb or after it, as it comes to the fingers."""
    parser.add_argument(
        "--socket", metavar="PATH", default=argparse.SUPPRESS, help="the daemon's control socket"
    )
    flag(parser, "--json", "as_json", "one JSON document on standard output")


def flag(parser: Parser, name: str, dest: str, sentence: str) -> None:
    parser.add_argument(
        name, dest=dest, action="store_true", default=argparse.SUPPRESS, help=sentence
    )
