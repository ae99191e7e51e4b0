"""The command line of torrentctl: its verbs, options and help."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.config_arguments import CONFIG_DETAILS, define_config
from torrentd.daemon.ctl.dht_arguments import DHT_DETAILS, define_dht
from torrentd.daemon.ctl.failure import USAGE, Failure
from torrentd.daemon.ctl.help_texts import DETAILS, EXAMPLES
from torrentd.daemon.ctl.parser import (
    EXIT_CODES,
    HelpText,
    Parser,
    Verbs,
    add_common,
    flag,
    nearest,
)
from torrentd.daemon.ctl.pointer_arguments import define_pointers
from torrentd.daemon.ctl.torrent_arguments import (
    TORRENTS_HELP,
    adding_options,
    define_files,
    define_torrent_verbs,
    duration,
)

# How the completion scripts ask: what follows is no command line yet, and not for argparse.
WORDS_ASKED = ["completion", "words", "--"]
# Compiled when one is typed.
_PIECE_LENGTH = r"([0-9]{1,5})([kKmM])(?:iB)?"
_RANGES = r"[0-9]{1,7}(-[0-9]{1,7})?(,[0-9]{1,7}(-[0-9]{1,7})?)*"


CLIENTS = ("transmission", "qbittorrent", "deluge", "rtorrent")
# What a group of verbs alone means.
FIRST_OF_GROUP = {"dht": "status", "config": "show"}


class Options(argparse.Namespace):
    """What was typed. Fields that the verb does not have keep these values."""

    verb: str = ""  # as typed: `status`, `dht nodes`
    action: str = ""  # the second word of a verb that has two
    socket: str | None = None
    as_json: bool = False
    params: Mapping[str, Json] = MappingProxyType({})  # as the daemon takes them
    as_jsonl: bool = False
    since: str | None = None
    follow: bool = False
    networks: Sequence[str] = ()
    folders: Sequence[str] = ()
    path: str = ""
    output: str | None = None
    piece_length: int | None = None
    comment: str | None = None
    web_seeds: Sequence[str] = ()
    private: bool = False
    seed: bool = False
    remove: bool = False
    sources: Sequence[str] = ()
    torrents: Sequence[str] = ()
    torrent: str = ""
    name: str = ""
    address: str = ""
    infohash: str = ""
    target: str = ""
    uri: str = ""
    key: str = ""
    keys: Sequence[str] = ()
    value: str = ""
    key_file: str = ""
    new_key: bool = False
    salt: str | None = None
    text: str = ""
    file: str = ""
    dir: str | None = None
    paused: bool = False
    wait: bool = False
    until: str = "done"
    timeout_s: float | None = None
    shell: str = ""
    words: Sequence[str] = ()
    data: bool = False
    trash: bool = False
    dry_run: bool = False
    client: str = ""
    folder: str = ""
    yes: bool = False


def parse(arguments: Sequence[str]) -> Options:
    """Raises Failure; --help and --version end the process with 0."""
    if [*arguments[:3]] == WORDS_ASKED:
        return Options(verb="completion", shell="words", words=arguments[3:])
    parser, verbs = make_parser()
    options, unknown = parser.parse_known_args(arguments, namespace=Options())
    if options.verb in FIRST_OF_GROUP:
        options.verb += f" {options.action or FIRST_OF_GROUP[options.verb]}"
    if unknown:
        known = verbs[options.verb].option_names() if options.verb in verbs else []
        hint = nearest(unknown[0].partition("=")[0], known) or f"see {options.verb} --help"
        raise Failure(USAGE, f"{options.verb} does not know {unknown[0]}; {hint}")
    _check_together(options)
    if options.dir is not None:
        options.dir = os.path.abspath(options.dir)  # the daemon's folder is not ours
    return options


def _check_together(options: Options) -> None:
    if options.as_json and (options.as_jsonl or options.follow):
        raise Failure(USAGE, "--json is one document at the end; --jsonl is a line for each event")
    if options.remove and not options.networks:
        raise Failure(USAGE, "--remove needs the addresses or networks whose ban is taken back")
    if options.data and options.trash:
        raise Failure(USAGE, "--data deletes the files, --trash keeps them; it is one or the other")
    options.folders = [os.path.abspath(folder) for folder in options.folders]
    if options.verb == "add":
        if options.dry_run and not options.folders:
            raise Failure(USAGE, "--dry-run of add says what --from would find; add that too")
        if options.timeout_s is not None and not options.wait:
            raise Failure(USAGE, "--timeout says how long to --wait; add that too")
        if options.paused and options.wait:
            raise Failure(USAGE, "--paused and --wait exclude each other")
        select = options.params.get("select")
        if len(options.sources) > 1 and isinstance(select, list) and any(map(_is_ranges, select)):
            raise Failure(USAGE, "numbers are of the files of one torrent; add them one by one")


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
    _define_reading(verbs)
    _define_changing(verbs)
    _define_import(verbs)
    define_torrent_verbs(verbs)
    dht = define_dht(verbs.add("dht", "the DHT node: its state, its nodes", DHT_DETAILS))
    define_pointers(verbs)
    config = define_config(
        verbs.add("config", "the configuration that runs, and changes of it", CONFIG_DETAILS)
    )
    _verb(verbs, "reload", "read the configuration file again")
    completion = _verb(verbs, "completion", "a script that lets a shell complete")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    _verb(verbs, "version", "the version of the daemon that answers")
    _verb(verbs, "shutdown", "stop the daemon; its torrents go on at the next start")
    return parser, {**verbs.made, **dht.made, **config.made}


def _verb(verbs: Verbs, name: str, sentence: str) -> Parser:
    return verbs.add(name, sentence, DETAILS[name])


def _define_reading(verbs: Verbs) -> None:
    """The verbs that change nothing, and `add`, which comes first."""
    _define_add(_verb(verbs, "add", "add torrents: magnets, infohashes, .torrent files"))
    _sources(_verb(verbs, "show", "what torrent files and magnets say; asks no daemon"))
    _define_create(_verb(verbs, "create", "make a torrent file of a file or a folder"))
    _torrents(_verb(verbs, "status", "what every torrent is doing"), "*")
    _verb(verbs, "watch", "a live screen of torrents, peers, files and the DHT")
    _torrent(_verb(verbs, "info", "all about one torrent"))
    _torrents(_verb(verbs, "why", "what holds torrents up, and what would help"), "*")
    _torrent(_verb(verbs, "peers", "the peers of one torrent"))
    define_files(_verb(verbs, "files", "the files of one torrent; which are wanted, and first"))
    _torrent(_verb(verbs, "pieces", "the pieces of one torrent as a picture"))
    export = _verb(verbs, "export", "a torrent's magnet, or its torrent file")
    _torrent(export)
    export.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="where to write a torrent file; - for standard output",
    )
    _define_wait(_verb(verbs, "wait", "wait until torrents are done"))
    _define_events(_verb(verbs, "events", "what happened, and what happens as it does"))


def _define_import(verbs: Verbs) -> None:
    parser = _verb(verbs, "import", "add the torrents of another daemon, where their data is")
    parser.add_argument("client", choices=CLIENTS, help="whose they are")
    parser.add_argument("folder", metavar="DIR", help="where it keeps them; see below")
    flag(parser, "--dry-run", "dry_run", "only show what would be added; asks no daemon")
    flag(parser, "--yes", "yes", "do not ask")


def _define_changing(verbs: Verbs) -> None:
    pause = _verb(verbs, "pause", "stop transfers; nothing is forgotten")
    resume = _verb(verbs, "resume", "go on with paused torrents, or after an error")
    remove = _verb(verbs, "remove", "forget torrents; their data stays, unless --data or --trash")
    verify = _verb(verbs, "verify", "check the data on disk against its hashes")
    announce = _verb(verbs, "announce", "ask the DHT for peers now, and be found there")
    for changing in (pause, resume, remove, verify, announce):
        _torrents(changing, "+")
        flag(changing, "--dry-run", "dry_run", "only say which torrents that would be")
    flag(remove, "--data", "data", "delete the downloaded files too")
    flag(remove, "--trash", "trash", "put the downloaded files into the trash")
    flag(remove, "--yes", "yes", "do not ask, whatever a pattern matches")
    add_peer = _verb(verbs, "add-peer", "connect a torrent to a peer you know")
    _torrent(add_peer)
    add_peer.add_argument("address", metavar="ADDRESS:PORT", help="an IPv4 or [IPv6] address")
    ban = _verb(verbs, "ban", "have nothing to do with an address or a network")
    ban.add_argument("networks", nargs="*", metavar="ADDRESS|NETWORK", help="none: what is banned")
    flag(ban, "--remove", "remove", "take the ban back")


def _define_add(parser: Parser) -> None:
    _sources(parser)
    parser.add_argument("--dir", metavar="DIR", help="where the data goes")
    parser.add_argument(
        "--from",
        dest="folders",
        action="append",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="where data of it may be: found by size, proven by hash; may be given again",
    )
    flag(parser, "--dry-run", "dry_run", "with --from: only say what is there")
    adding_options(parser)
    flag(parser, "--paused", "paused", "add it, and begin with resume")
    flag(parser, "--wait", "wait", "wait until the data is here, and show the progress")
    flag(parser, "--jsonl", "as_jsonl", "a JSON document a line: what was added, how far it is")
    _timeout(parser)


def _sources(parser: Parser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="URI|FILE|INFOHASH|-",
        help="a magnet link, a .torrent file, an infohash, or - for standard input",
    )


def _define_create(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file, or a folder with all that is in it")
    for name, dest, metavar, sentence in (
        ("--output", "output", "FILE", "where to write it; else NAME.torrent in this folder"),
        ("--comment", "comment", "TEXT", "what people read who look at it"),
    ):
        parser.add_argument(
            name, dest=dest, metavar=metavar, default=argparse.SUPPRESS, help=sentence
        )
    parser.add_argument(
        "--piece-size",
        dest="piece_length",
        type=_piece_length,
        metavar="SIZE",
        default=argparse.SUPPRESS,
        help="of 16K to 64M; without it, about 1,000 pieces, of 16M at most",
    )
    parser.add_argument(
        "--web-seed",
        dest="web_seeds",
        action="append",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="where the data is to be had by HTTP (BEP 19); may be given again",
    )
    flag(parser, "--seed", "seed", "let the daemon seed it where it lies")
    flag(parser, "--private", "private", "refused: such a torrent needs a tracker")


def _piece_length(text: str) -> int:
    match = re.fullmatch(_PIECE_LENGTH, text)
    if match is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no size of pieces; 256K and 4M are')
    return int(match[1]) * (1024 if match[2] in "kK" else 1024 * 1024)


def _define_wait(parser: Parser) -> None:
    _torrents(parser, "+")
    parser.add_argument(
        "--until",
        choices=("done", "metadata", "seeding"),
        default=argparse.SUPPRESS,
        help="what to wait for; done if not given",
    )
    flag(parser, "--jsonl", "as_jsonl", "a JSON document a line: each torrent, as it gets on")
    _timeout(parser)


def _define_events(parser: Parser) -> None:
    parser.add_argument(
        "--since",
        metavar="CURSOR",
        default=argparse.SUPPRESS,
        help="only what came after; 0 for all that is kept",
    )
    flag(parser, "--follow", "follow", "each event as it happens, until Ctrl-C")
    flag(parser, "--jsonl", "as_jsonl", "one JSON document a line")


def _torrent(parser: Parser) -> None:
    parser.add_argument("torrent", metavar="TORRENT", help="infohash, 4 digits of it, or name")


def _torrents(parser: Parser, count: str) -> None:
    parser.add_argument(
        "torrents",
        nargs=count,
        metavar="TORRENT",
        help=TORRENTS_HELP,
    )


def _timeout(parser: Parser) -> None:
    parser.add_argument(
        "--timeout",
        dest="timeout_s",
        type=duration,
        metavar="TIME",
        default=argparse.SUPPRESS,
        help="give up waiting after 90, 90s, 5m or 2h, with exit code 4",
    )


def _is_ranges(text: Json) -> bool:
    return isinstance(text, str) and re.fullmatch(_RANGES, text) is not None


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
