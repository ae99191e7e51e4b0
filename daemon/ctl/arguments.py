"""The command line of torrentctl: its verbs, options and help."""

import argparse
import os
import re
from collections.abc import Sequence

from torrentd.daemon.ctl.dht_arguments import DHT_DETAILS, define_dht
from torrentd.daemon.ctl.failure import USAGE, Failure
from torrentd.daemon.ctl.parser import (
    EXIT_CODES,
    HelpText,
    Parser,
    Verbs,
    add_common,
    flag,
    nearest,
)

# How the completion scripts ask: what follows is no command line yet, and not for argparse.
WORDS_ASKED = ["completion", "words", "--"]
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_DURATION_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SELECT = re.compile(r"[0-9]{1,7}(-[0-9]{1,7})?(,[0-9]{1,7}(-[0-9]{1,7})?)*")

EXAMPLES = """\
examples:
  torrentctl add ubuntu.torrent --wait
  torrentctl add 'magnet:?xt=urn:btih:c9e15763f722…' --dir /srv/films
  torrentctl status --json | jq '.torrents[] | select(.state == "error")'
  torrentctl wait c9e1 --timeout 2h && echo here it is

A torrent is named by its infohash, by 4 or more digits it begins with, or by
its name. Several at once: 'debian-*' (quoted, for the daemon to match names),
state:paused (or another state), all.
"""


class Options(argparse.Namespace):
    """What was typed. Fields that the verb does not have keep these values."""

    verb: str = ""  # as typed: `status`, `dht nodes`
    action: str = ""  # the second word of a verb that has two
    socket: str | None = None
    as_json: bool = False
    sources: Sequence[str] = ()
    torrents: Sequence[str] = ()
    torrent: str = ""
    address: str = ""
    infohash: str = ""
    dir: str | None = None
    select: str | None = None
    paused: bool = False
    wait: bool = False
    until: str = "done"
    timeout_s: float | None = None
    shell: str = ""
    words: Sequence[str] = ()
    data: bool = False
    dry_run: bool = False
    yes: bool = False


def parse(arguments: Sequence[str]) -> Options:
    """Raises Failure; --help and --version end the process with 0."""
    if [*arguments[:3]] == WORDS_ASKED:
        return Options(verb="completion", shell="words", words=arguments[3:])
    parser, verbs = make_parser()
    options, unknown = parser.parse_known_args(arguments, namespace=Options())
    if options.verb == "dht":
        options.verb = f"dht {options.action or 'status'}"
    if unknown:
        known = verbs[options.verb].option_names() if options.verb in verbs else []
        hint = nearest(unknown[0].partition("=")[0], known) or f"see {options.verb} --help"
        raise Failure(USAGE, f"{options.verb} does not know {unknown[0]}; {hint}")
    _check_together(options)
    if options.dir is not None:
        options.dir = os.path.abspath(options.dir)  # the daemon's folder is not ours
    return options


def _check_together(options: Options) -> None:
    if options.verb == "add":
        if options.timeout_s is not None and not options.wait:
            raise Failure(USAGE, "--timeout says how long to --wait; add that too")
        if options.paused and options.wait:
            raise Failure(USAGE, "--paused and --wait exclude each other")
        if options.select is not None and len(options.sources) > 1:
            raise Failure(USAGE, "--select names the files of one torrent; add them one by one")


def make_parser() -> tuple[Parser, dict[str, Parser]]:
    """The whole command line, and each verb's own parser by the words that are typed."""
    parser = Parser(
        prog="torrentctl",
        description="Commands a running torrentd.",
        epilog=f"{EXAMPLES}\n{EXIT_CODES}",
        formatter_class=HelpText,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="the version of torrentctl itself")
    add_common(parser)
    verbs = Verbs(parser, "verb")
    verb = verbs.add
    _define_add(verb("add", "add torrents: magnets, infohashes, .torrent files", _ADD_DETAILS))
    _sources(verb("show", "what torrent files and magnets say; asks no daemon", _SHOW_DETAILS))
    _torrents(verb("status", "what every torrent is doing", _STATUS_DETAILS), "*")
    _torrent(verb("info", "all about one torrent", _INFO_DETAILS))
    _torrents(verb("why", "what holds torrents up, and what would help", _WHY_DETAILS), "*")
    _torrent(verb("peers", "the peers of one torrent", _PEERS_DETAILS))
    _torrent(verb("files", "the files of one torrent", _FILES_DETAILS))
    _torrent(verb("pieces", "the pieces of one torrent as a picture", _PIECES_DETAILS))
    pause = verb("pause", "stop transfers; nothing is forgotten", _PAUSE_DETAILS)
    resume = verb("resume", "go on with paused torrents, or after an error", _RESUME_DETAILS)
    remove = verb(
        "remove", "forget torrents; their data stays unless --data is given", _REMOVE_DETAILS
    )
    verify = verb("verify", "check the data on disk against its hashes", _VERIFY_DETAILS)
    for changing in (pause, resume, remove, verify):
        _torrents(changing, "+")
        flag(changing, "--dry-run", "dry_run", "only say which torrents that would be")
    flag(remove, "--data", "data", "delete the downloaded files too")
    flag(remove, "--yes", "yes", "do not ask, whatever a pattern matches")
    add_peer = verb("add-peer", "connect a torrent to a peer you know", _ADD_PEER_DETAILS)
    _torrent(add_peer)
    add_peer.add_argument("address", metavar="ADDRESS:PORT", help="an IPv4 or [IPv6] address")
    _define_wait(verb("wait", "wait until torrents are done", _WAIT_DETAILS))
    dht = define_dht(verb("dht", "the DHT node: its state, its nodes", DHT_DETAILS))
    completion = verb("completion", "a script that lets a shell complete", _COMPLETION_DETAILS)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    verb("version", "the version of the daemon that answers", _VERSION_DETAILS)
    verb("shutdown", "stop the daemon; its torrents go on at the next start", _SHUTDOWN_DETAILS)
    return parser, {**verbs.made, **dht.made}


def _define_add(parser: Parser) -> None:
    _sources(parser)
    parser.add_argument("--dir", metavar="DIR", help="where the data goes")
    parser.add_argument(
        "--select",
        type=_select,
        metavar="FILES",
        help="download these files only, as in 0,2,4-7; files shows the numbers",
    )
    flag(parser, "--paused", "paused", "add it, and begin with resume")
    flag(parser, "--wait", "wait", "wait until the data is here, and show the progress")
    _timeout(parser)


def _sources(parser: Parser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="URI|FILE|INFOHASH|-",
        help="a magnet link, a .torrent file, an infohash, or - for standard input",
    )


def _define_wait(parser: Parser) -> None:
    _torrents(parser, "+")
    parser.add_argument(
        "--until",
        choices=("done", "metadata"),
        default=argparse.SUPPRESS,
        help="what to wait for; done if not given",
    )
    _timeout(parser)


def _torrent(parser: Parser) -> None:
    parser.add_argument("torrent", metavar="TORRENT", help="infohash, 4 digits of it, or name")


def _torrents(parser: Parser, count: str) -> None:
    parser.add_argument(
        "torrents",
        nargs=count,
        metavar="TORRENT",
        help="infohash, 4 digits of it, name, 'na*e', state:paused, all",
    )


def _timeout(parser: Parser) -> None:
    parser.add_argument(
        "--timeout",
        dest="timeout_s",
        type=_duration,
        metavar="TIME",
        default=argparse.SUPPRESS,
        help="give up waiting after 90, 90s, 5m or 2h, with exit code 4",
    )


def _duration(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; 90, 90s, 5m and 2h are')
    seconds = float(match[1]) * _DURATION_UNITS_S[match[2]]
    if seconds > 365 * 86400:
        raise argparse.ArgumentTypeError(f'"{text}" is longer than a year')
    return seconds


def _select(text: str) -> str:
    if not _SELECT.fullmatch(text):
        raise argparse.ArgumentTypeError(f'"{text}" names no files; 0,2,4-7 does')
    return text


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        from torrentd.daemon.version import VERSION  # late: it reads the package's metadata

        print(f"torrentctl {VERSION}")
        parser.exit()


_ADD_DETAILS = """\
On standard input (-): the bytes of one .torrent file, or sources, one a line.
With --wait, progress goes to standard error: a bar on a terminal, else a line
now and then. Ctrl-C ends the wait, not the download.

examples:
  torrentctl add debian.iso.torrent --dir /srv/isos --wait --timeout 2h
  torrentctl add c9e15763f722f23e98a29decdfae341b98d53056 --select 0,3-5
  curl -s https://example.org/a.torrent | torrentctl add -
"""
_SHOW_DETAILS = """\
File names are those that the files would have on disk. A torrent that torrentd
refuses is refused here with the same words.

examples:
  torrentctl show debian.iso.torrent
  torrentctl show *.torrent --json | jq -r '.torrents[].infohash'
"""
_STATUS_DETAILS = """\
STATE is metadata, checking, downloading, seeding, paused or error. Sizes and
rates are in bytes; K, M, G are powers of 1024. The first column names the
torrent to every other verb. PEERS are those we are connected to, and after the
stroke about how many the DHT counts in the whole swarm. A magnet has a line
below the table: what it waits for, and the seconds that each stage took.

examples:
  torrentctl status
  torrentctl status state:downloading 'debian-*'
  torrentctl status --json | jq '.torrents[] | {name, progress}'
"""
_INFO_DETAILS = """\
STAGES are those of a magnet with the seconds that each took: a DHT node that
answers, a peer that is known, a handshake, the metadata.

examples:
  torrentctl info c9e1
  torrentctl info c9e1 --json | jq .stages_s
"""
_FILES_DETAILS = """\
The numbers are those of add --select.

examples:
  torrentctl files c9e1
"""
_PIECES_DETAILS = """\
A cell is had whole (█) or in part (▓▒░), not yet (·), or with nobody who is
connected (x). A bit of the bitfields in the document of --json is a piece, the
high bit of a digit the first.

examples:
  torrentctl pieces c9e1
"""
_VERSION_DETAILS = """\
--version tells that of torrentctl itself, and asks no daemon.

examples:
  torrentctl version
"""
_SHUTDOWN_DETAILS = """\
Returns once the daemon has ended.

examples:
  torrentctl shutdown
"""
_PAUSE_DETAILS = """\
examples:
  torrentctl pause c9e1
  torrentctl pause state:downloading
"""
_RESUME_DETAILS = """\
examples:
  torrentctl resume c9e1
  torrentctl resume state:error --dry-run
"""
_REMOVE_DETAILS = """\
Where a pattern names more than one torrent, it asks on a terminal and refuses
elsewhere, unless --yes is given.

examples:
  torrentctl remove c9e1
  torrentctl remove 'debian-12*' --data --dry-run
  torrentctl remove state:seeding --yes
"""
_VERIFY_DETAILS = """\
examples:
  torrentctl verify c9e1
  torrentctl verify all && torrentctl wait all
"""
_WHY_DETAILS = """\
One sentence a torrent, with its numbers. In the document of --json, cause is
one of error, paused, checking, check-waits, complete, disk-behind, handshakes,
dialing, unreachable, dht-off, no-dht-nodes, search-waits, searching,
nobody-announces, metadata, no-source, choked, snubbed, running.

examples:
  torrentctl why
  torrentctl why state:metadata --json | jq -r '.torrents[].cause'
"""
_PEERS_DETAILS = """\
FROM is dht, pex (peer exchange), in (it connected to us), magnet or manual.

FLAGS:
  D  we download: it lets us            d  we want to, and it does not let us
  U  we upload to it                    u  it wants us to, and we do not
  S  snubbed: it lets us, nothing came  I  incoming
  H  from the DHT                       X  from peer exchange
  F  fast extension                     E  extension protocol

examples:
  torrentctl peers c9e1
  torrentctl peers c9e1 --json | jq -r '.peers[].client'
"""
_ADD_PEER_DETAILS = """\
examples:
  torrentctl add-peer c9e1 192.0.2.7:6881
  torrentctl add-peer c9e1 '[2001:db8::7]:6881'
"""
_COMPLETION_DETAILS = """\
Verbs, options, and the names of the torrents that the daemon has.

examples:
  eval "$(torrentctl completion bash)"             in ~/.bashrc
  eval "$(torrentctl completion zsh)"              in ~/.zshrc, after compinit
  torrentctl completion fish | source              in ~/.config/fish/config.fish
"""
_WAIT_DETAILS = """\
--until metadata is reached once the names and sizes of a magnet's files are
known.
A torrent that fails or is paused ends the wait with exit code 1.

examples:
  torrentctl wait c9e1 --until metadata --timeout 90s && torrentctl files c9e1
"""
