"""Each verb: the request it makes, and how its document is shown."""

import sys
from collections.abc import Callable, Sequence

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl import config_show, dht_show, picture, show, torrent_show
from torrentd.daemon.ctl.arguments import Options
from torrentd.daemon.ctl.client import Client, socket_path
from torrentd.daemon.ctl.document import Document, document_text
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.failure import DONE, REFUSED, TIMED_OUT, USAGE, Failure

STOP_S = 10.0  # the daemon stops within 2 s
ANSWER_S = 90.0  # the daemon gives up a search before

_TEXTS = (
    *("torrent", "infohash", "address", "target", "salt", "text", "uri", "key", "value", "dir"),
    *("path", "name"),
)
_SHOW: dict[str, Callable[[Document], None]] = {
    "status": show.show_status,
    "info": show.show_info,
    "peers": show.show_peers,
    "why": show.show_why,
    "files": show.show_files,
    "pieces": picture.show_pieces,
    "pause": show.named("paused"),
    "resume": show.named("resumed"),
    "remove": show.show_removed,
    "verify": show.named("verifying"),
    "announce": show.named("searching peers of"),
    "add-peer": show.show_address,
    "stats": torrent_show.show_stats,
    "move": torrent_show.show_places,
    "rename": torrent_show.show_places,
    "queue": torrent_show.show_queue,
    "label": torrent_show.show_labels,
    "ban": show.show_bans,
    "limits": torrent_show.show_limits,
    "dht status": dht_show.show_status,
    "dht nodes": dht_show.show_nodes,
    "dht scrape": dht_show.show_scrape,
    "dht get": dht_show.show_item,
    "dht put": dht_show.show_put,
    "dht sample": dht_show.show_sample,
    "dht ping": dht_show.show_ping,
    "dht add-node": dht_show.show_added_node,
    "follow": show.show_pointers,
    "unfollow": show.show_pointers,
    "config show": config_show.show_settings,
    "config diff": config_show.show_differences,
    "config explain": config_show.show_explained,
    "config set": config_show.show_reloaded,
    "config drop": config_show.show_reloaded,
    "reload": config_show.show_reloaded,
    "version": show.show_version,
}


def run_verb(options: Options) -> int:
    """The exit code. Raises Failure."""
    if options.verb == "show":
        return _show_offline(options)
    if options.verb == "create":
        return _create(options)
    if options.verb == "import":
        return _import(options)
    if options.verb == "completion" and options.shell != "words":
        return _print_script(options.shell)
    client = Client(socket_path(options.socket))
    try:
        return _story(options)(client, options)
    finally:
        client.close()


def _import(options: Options) -> int:
    """Shown first; and with --dry-run no daemon is asked."""
    from torrentd.daemon.ctl import importing

    found = importing.read(options.client, options.folder)
    if options.dry_run:
        _show(options, importing.preview(found), importing.show_preview)
        return DONE
    if not options.yes:
        importing.show_preview(importing.preview(found))
        importing.confirm(found)
    client = Client(socket_path(options.socket))
    try:
        document = importing.add_all(client, found)
    finally:
        client.close()
    _show(options, document, importing.show_added)
    return REFUSED if any(each.text("problem") for each in document.children("torrents")) else DONE


def _story(options: Options) -> Callable[[Client, Options], int]:
    if options.dry_run and options.verb != "add":
        return _show_what_would_be
    stories = {
        "add": _add,
        "publish": _publish,
        "wait": _wait,
        "watch": _watch,
        "remove": _remove,
        "export": _export,
        "resolve": _resolve,
        "dht lookup": _look_up,
        "events": _events,
        "completion": _complete,
        "shutdown": _shutdown,
    }
    return stories.get(options.verb, _ask)


def _ask(client: Client, options: Options) -> int:
    """The verbs without a story of their own: one question, one document."""
    document = client.call(options.verb, _params(options), answer_s=ANSWER_S)
    _show(options, document, _SHOW[options.verb])
    failed = any(map(document.is_false, ("answered", "found"))) or any(
        map(document.is_zero, ("nodes", "stored"))
    )
    return REFUSED if failed else DONE


def _params(options: Options) -> dict[str, Json]:
    """What was typed, by the names that the daemon knows it under."""
    params: dict[str, Json] = dict(options.params)
    for name in ("torrents", "keys", "networks"):
        values: Sequence[str] = getattr(options, name)
        if values:
            params[name] = [*values]
    for name in _TEXTS:
        value: str | None = getattr(options, name)
        if value:
            params[name] = value
    if options.remove:
        params["remove"] = True
    return params


def _show(options: Options, document: Document, show_it: Callable[[Document], None]) -> None:
    if options.as_json:
        sys.stdout.write(document_text(document.value, sys.stdout.isatty()))
    else:
        show_it(document)


def _print_script(shell: str) -> int:
    from torrentd.daemon.ctl.completion import script

    sys.stdout.write(script(shell))
    return DONE


def _complete(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.arguments import make_parser
    from torrentd.daemon.ctl.completion import complete, live_torrents, print_candidates

    parser, _ = make_parser()
    found = complete(parser, options.words, lambda typed: live_torrents(client, typed))
    print_candidates(found)
    return DONE


def _show_offline(options: Options) -> int:
    """No daemon is asked, and none need run."""
    from torrentd.daemon.ctl import offline
    from torrentd.daemon.ctl.sources import read_sources

    torrents = [offline.read(source) for source in read_sources(options.sources)]
    _show(options, Document({"torrents": torrents}), offline.show)
    return DONE


def _add(client: Client, options: Options) -> int:
    """All sources, even when one is refused; one document for all that were taken."""
    from torrentd.daemon.ctl.sources import read_sources

    document: dict[str, list[Json]] = {"torrents": []}
    exit_code = DONE
    for source in read_sources(options.sources):
        try:
            _add_one(client, options, source.payload, source.params, document)
        except Failure as failure:
            if failure.exit_code != REFUSED:
                raise
            exit_code = REFUSED
            print_error(f"{source.label}: {failure.sentence}")
    whole: dict[str, Json] = {**document}
    if options.wait and document["torrents"]:
        _wait_for_added(client, options, Document(whole))
    if options.as_json:
        sys.stdout.write(document_text(whole, sys.stdout.isatty()))
    return exit_code


def _add_one(
    client: Client,
    options: Options,
    payload: bytes,
    source: dict[str, Json],
    document: dict[str, list[Json]],
) -> None:
    """What comes of it stands in the document then."""
    params = _add_params(options, source)
    if options.folders:
        document.setdefault("adopted", []).append(_adopt(client, options, payload, params))
    if options.dry_run:
        return
    answer = client.call("add", params, payload)
    document["torrents"] += [torrent.value for torrent in answer.children("torrents")]
    if options.as_jsonl:
        show.print_lines(answer)
    elif not options.as_json:
        show.show_added(answer)
        sys.stdout.flush()


def _adopt(client: Client, options: Options, payload: bytes, params: dict[str, Json]) -> Json:
    """The data that is here already; `params` are told where to add it."""
    from torrentd.daemon.ctl.adopting import adopt, show_adopted

    document = adopt(client, payload, options.folders, options.dir, options.dry_run)
    if not options.as_json and not options.as_jsonl:
        show_adopted(document)
        sys.stdout.flush()
    params["dir"] = dict(document.fields())["download_dir"]
    return {name: value for name, value in document.fields() if name != "schema"}


def _add_params(options: Options, source: dict[str, Json]) -> dict[str, Json]:
    params = {**options.params, **source}
    if options.dir is not None:
        params["dir"] = options.dir
    if options.paused:
        params["paused"] = True
    return params


def _wait_for_added(client: Client, options: Options, added: Document) -> None:
    from torrentd.daemon.ctl.waiting import wait

    infohashes = [torrent.text("infohash") for torrent in added.children("torrents")]
    result = wait(client, infohashes, "done", options.timeout_s, options.as_json, options.as_jsonl)
    if not options.as_json and not options.as_jsonl:
        show.show_done(result)


def _wait(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.waiting import wait

    result = wait(
        client,
        [*options.torrents],
        options.until,
        options.timeout_s,
        options.as_json,
        options.as_jsonl,
    )
    if not options.as_jsonl:
        said = show.show_metadata if options.until == "metadata" else show.show_done
        _show(options, result, said)
    return DONE


def _remove(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.removing import confirm, named_by, remove

    torrents = named_by(client, options.torrents).children("torrents")
    if not options.yes:
        confirm(torrents, options.torrents, options.data, options.trash)
    _show(options, remove(client, torrents, options.data, options.trash), _SHOW["remove"])
    return DONE


def _show_what_would_be(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.removing import named_by

    _show(options, named_by(client, options.torrents), show.named(f"would {options.verb}"))
    return DONE


def _export(client: Client, options: Options) -> int:
    """The magnet on standard output, or the torrent file where it is named."""
    params: dict[str, Json] = {"torrent": options.torrent, "metainfo": bool(options.file)}
    document = client.call("export", params)
    if options.file:
        from torrentd.daemon.ctl.exporting import write

        write(document, options.file)
    if options.file != "-":
        shown = Document(document.pick("infohash", "name", "magnet"))
        _show(options, shown, show.written(options.file) if options.file else show.show_magnet)
    return DONE


def _resolve(client: Client, options: Options) -> int:
    """A torrent file where it is named; else what it would be."""
    limit = options.params.get("timeout_s")
    answer_s = ANSWER_S + (limit if isinstance(limit, float) else 0.0)
    document = client.call("resolve", {**options.params, "uri": options.uri}, answer_s=answer_s)
    if options.file:
        from torrentd.daemon.ctl.exporting import write

        write(document, options.file)
    if options.file != "-":
        keys = ("infohash", "name", "size_bytes", "file_count")
        _show(options, Document(document.pick(*keys)), torrent_show.show_resolved(options.file))
    return DONE


def _look_up(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.dht_watch import Watch, print_found, print_hop, show_found

    params: dict[str, Json] = {"infohash": options.infohash, "follow": not options.as_json}
    show_hop = print_hop if options.as_jsonl else Watch().show_hop
    document = client.call("dht lookup", params, answer_s=ANSWER_S, on_told=show_hop)
    _show(options, document, print_found if options.as_jsonl else show_found)
    return DONE if document.texts("peers") else REFUSED


def _create(options: Options) -> int:
    """A daemon is asked only where it is to seed at once."""
    from torrentd.daemon.ctl.creating import PRIVATE, create, show_created

    if options.private:
        raise Failure(USAGE, PRIVATE)
    created = create(
        options.path,
        options.output,
        options.piece_length,
        options.comment,
        options.web_seeds,
        options.as_json,
    )
    if options.seed:
        client = Client(socket_path(options.socket))
        params: dict[str, Json] = {"metainfo_bytes": len(created.metainfo), "dir": created.parent}
        try:
            added = client.call("add", params, created.metainfo)
        finally:
            client.close()
        created.document["added"] = added.children("torrents")[0].flag("added")
    _show(options, Document(created.document), show_created)
    return DONE


def _events(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.journal_show import follow_events, show_events

    if options.follow:
        follow_events(client, options.since, options.as_jsonl)
    else:
        show_events(client, options.since, options.as_json, options.as_jsonl)
    return DONE


def _watch(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.watching import watch

    if options.as_json:
        raise Failure(USAGE, "watch is for people; status and events have --json")
    return watch(client)


def _publish(client: Client, options: Options) -> int:
    from torrentd.daemon.ctl.publishing import publish

    document = publish(
        client, options.key_file, options.new_key, options.torrent, options.salt or ""
    )
    _show(options, document, show.show_published)
    return REFUSED if document.is_zero("stored") else DONE


def _shutdown(client: Client, options: Options) -> int:
    """Returns once the daemon is gone, so that the next one can be started at once."""
    document = client.call("shutdown")
    if not client.wait_for_end(STOP_S):
        raise Failure(TIMED_OUT, f"torrentd has not stopped within {STOP_S:g} s")
    _show(options, document, show.show_shutdown)
    return DONE


def print_error(sentence: str) -> None:
    """One sentence on standard error; a stranger's words in it cannot make two of it."""
    print(f"torrentctl: {escape(sentence)}", file=sys.stderr)
