"""The manual pages, made of what they tell about: the parsers and the schema.

    python -m torrentd.daemon.manual /usr/local/share/man

writes torrentctl(1), torrentd(8) and torrentd.yaml(5) below that folder.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from torrentd.config.example import SHOWN_DEFAULTS
from torrentd.config.keys import Key, all_keys
from torrentd.config.values import size_text
from torrentd.daemon.ctl.arguments import make_parser
from torrentd.daemon.ctl.parser import EXIT_CODES
from torrentd.daemon.main import make_parser as make_daemon_parser
from torrentd.daemon.roff import bold, italic, item, literal, plain, running

COMMON = ("-h", "--socket", "--json")  # told once, not at every verb
SEE_ALSO = {
    "torrentctl.1": ("torrentd(8)", "torrentd.yaml(5)"),
    "torrentd.8": ("torrentctl(1)", "torrentd.yaml(5)", "systemd(1)"),
    "torrentd.yaml.5": ("torrentd(8)", "torrentctl(1)"),
}
_FILES = [
    ("~/.config/torrentd/torrentd.yaml, /etc/torrentd/torrentd.yaml", "The configuration."),
    ("$XDG_RUNTIME_DIR/torrentd/control.sock, /run/torrentd/control.sock", "The control socket."),
]


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    made = {
        "torrentctl.1": torrentctl_page(),
        "torrentd.8": torrentd_page(),
        "torrentd.yaml.5": configuration_page(),
    }
    return {name: f"{text}\n.SH SEE ALSO\n{_see_also(name)}\n" for name, text in made.items()}


def torrentctl_page() -> str:
    parser, verbs = make_parser()
    parts = [
        _head("torrentctl", 1, "commands a running torrentd"),
        f".SH SYNOPSIS\n{bold('torrentctl')} [{italic('options')}] {italic('verb')} \\&...",
        ".SH DESCRIPTION",
        running(parser.description or ""),
        *_details(parser.epilog or ""),
        ".SH OPTIONS",
        *_options(parser, leave_out=()),
        ".SH VERBS",
    ]
    order = list(verbs)
    for name, verb in sorted(verbs.items(), key=lambda named: order.index(named[0].split()[0])):
        parts += [f".SS {_usage(name, verb)}", running(verb.description or "")]
        parts += [*_options(verb, leave_out=COMMON), *_details(verb.epilog or "")]
    parts += [".SH EXIT STATUS", *_exit_codes(), ".SH ENVIRONMENT"]
    parts.append(item(bold("TORRENTCTL_SOCKET"), "The control socket, where --socket names none."))
    parts.append(item(bold("NO_COLOR"), "Set to anything: no colours."))
    return "\n".join([*parts, ".SH FILES", *_files()])


def torrentd_page() -> str:
    parser = make_daemon_parser()
    parts = [
        _head("torrentd", 8, "a trackerless, DHT-based torrent daemon"),
        f".SH SYNOPSIS\n{bold('torrentd')} [{italic('options')}]",
        ".SH DESCRIPTION",
        running(
            "Joins the mainline DHT (BEP 5), finds the peers of an infohash there, trades pieces "
            "with them and keeps what it verified. It runs in the foreground, is configured by a "
            "file that it never writes, and commanded by torrentctl(1)."
        ),
        ".SH OPTIONS",
        *_options(parser, leave_out=()),
        ".SH SIGNALS",
        item(bold("SIGHUP"), "Read the configuration again, check it whole, then apply it."),
        item(bold("SIGTERM, SIGINT"), "Save what is known and end, within two seconds."),
        ".SH EXIT STATUS",
        item(bold("0"), "Stopped as asked."),
        item(bold("1"), "It could not start, or had to stop; the log says why."),
        item(bold("2"), "Wrong usage."),
        item(bold("78"), "The configuration is wrong, with a sentence for each mistake."),
    ]
    return "\n".join([*parts, ".SH FILES", *_files()])


def configuration_page() -> str:
    keys = all_keys().values()
    parts = [
        _head("torrentd.yaml", 5, "the configuration of torrentd"),
        ".SH DESCRIPTION",
        running(
            "A YAML file, read by torrentd(8) at its start and on SIGHUP, and never written. Every "
            "key has a default. Sections are indented; a key is named here with its section, as "
            "in errors. `torrentd --check-config` says what is wrong with a file."
        ),
        ".SH KEYS",
    ]
    for key in keys:
        if key.section is not None:
            parts += [f".SS {plain(key.name)}", running(key.sentence)]
        else:
            parts.append(item(bold(key.name), f"{key.sentence}\nAllowed: {key.right}."))
            parts.append(f".br\nDefault: {italic(_default(key))}")
    return "\n".join([*parts, ".SH FILES", *_files()])


def write(folder: Path) -> None:
    for name, text in pages().items():
        path = folder / f"man{name[-1]}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _head(name: str, section: int, sentence: str) -> str:
    title = f'.TH {name.upper()} {section} "" torrentd'
    return f"{title}\n.SH NAME\n{name} \\- {plain(sentence)}"


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    words = [name]
    for action in _arguments(parser):
        word = str(action.metavar or "|".join(map(str, action.choices or ())))
        words.append({"+": f"{word} ...", "*": f"[{word} ...]"}.get(str(action.nargs), word))
    return f'"{plain(" ".join(words))}"'


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction):
            yield action


def _options(parser: argparse.ArgumentParser, leave_out: tuple[str, ...]) -> Iterator[str]:
    """Arguments that need a word, then the options."""
    for action in _arguments(parser):
        if action.help:
            yield item(italic(str(action.metavar or action.dest)), action.help)
    for action in parser._actions:
        names = action.option_strings
        if names and names[0] not in leave_out:
            value = f" {italic(str(action.metavar))}" if action.metavar else ""
            choices = f" {italic('|'.join(map(str, action.choices)))}" if action.choices else ""
            yield item(", ".join(map(bold, names)) + value + choices, action.help or "")


def _details(epilog: str) -> Iterator[str]:
    """The paragraphs of a help text, without the exit codes, which have a section of their own."""
    for paragraph in epilog.replace(EXIT_CODES, "").strip().split("\n\n"):
        lines = paragraph.splitlines()
        if not lines:
            continue
        if any(line.startswith("  ") for line in lines):
            if lines[0].endswith(":"):
                yield f".PP\n{plain(lines[0].capitalize())}"
            yield literal([line[2:] for line in lines if line.startswith("  ")])
        else:
            yield f".PP\n{running(paragraph)}"


def _exit_codes() -> Iterator[str]:
    for part in " ".join(EXIT_CODES.partition("\n")[2].split()).split(", "):
        code, _, meaning = part.partition(" ")
        yield item(bold(code), meaning)


def _files() -> Iterator[str]:
    for path, meaning in _FILES:
        yield item(italic(path), meaning)


def _see_also(name: str) -> str:
    return ", ".join(bold(page[:-3]) + page[-3:] for page in SEE_ALSO[name])


def _default(key: Key) -> str:
    value = SHOWN_DEFAULTS.get(key.name, key.default)
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case int() if key.is_size:
            return size_text(value)
    return str(value)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m torrentd.daemon.manual FOLDER")
    write(Path(sys.argv[1]))
