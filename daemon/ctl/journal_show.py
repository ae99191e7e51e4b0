"""`torrentctl events`: what happened and what happens, a line an event."""

import sys
import time
from collections.abc import Callable

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import ANSWER_S, Client
from torrentd.daemon.ctl.document import Document, document_text, json_text
from torrentd.daemon.ctl.quantities import size
from torrentd.daemon.ctl.sentences import many, short_name

_KIND_WIDTH = 13
_DIGITS = 8  # of an infohash


def show_events(client: Client, since: str | None, as_json: bool, as_jsonl: bool) -> None:
    """All that there are, in as many answers as it takes."""
    show_it = print_line if as_jsonl else show_event
    events: list[Json] = []
    while True:
        params: dict[str, Json] = {} if since is None else {"since": since}
        answer = client.call("events", params, answer_s=ANSWER_S)
        for event in answer.children("events"):
            if as_json:
                events.append(event.value)
            else:
                show_it(event)
        since = answer.text("cursor")
        if not answer.flag("more"):
            break
    if as_json:
        document: Json = {"events": events, "cursor": since, "more": False}
        sys.stdout.write(document_text(document, sys.stdout.isatty()))
    elif not as_jsonl:
        print(f"what comes later: torrentctl events --since {answer.text('cursor')}")


def follow_events(client: Client, since: str | None, as_jsonl: bool) -> None:
    """Until Ctrl-C, or the daemon ends."""
    params: dict[str, Json] = {"follow": True}
    if since is not None:
        params["since"] = since
    show_it = print_line if as_jsonl else show_event
    client.call("events", params, answer_s=None, on_told=_flushed(show_it))


def print_line(document: Document) -> None:
    """As it came, for machines."""
    sys.stdout.write(json_text(document.value, indented=False))


def show_event(event: Document) -> None:
    kind = event.text("event")
    if kind == "missed":
        print(_missed(event))
        return
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.number("at")))
    infohash = event.text("infohash")
    who = infohash[:_DIGITS]
    if infohash and event.text("name") not in ("", infohash):
        who += f" {short_name(event)}"
    line = f"{at} {kind:<{_KIND_WIDTH}} {who}".rstrip()
    detail = _detail(kind, event)
    print(f"{line}: {detail}" if detail else line)


def _missed(event: Document) -> str:
    count = event.integer_or_none("count")
    if count is None:
        return "the cursor is of another journal: what was missed is not known"
    return f"missed: {many(count, 'event')} that the journal no longer has"


def _detail(kind: str, event: Document) -> str:
    match kind:
        case "metadata" | "done":
            return size(event.integer("size_bytes"))
        case "file-done":
            return event.text("path")
        case "error" | "paused":
            return event.text("cause")
        case "removed":
            if event.flag("trash"):
                return "its data is in the trash"
            return "with its data" if event.flag("data") else ""
        case "started":
            return f"torrentd {event.text('version')}"
        case "hook-failed":
            return f"{event.text('hook')}, for {event.text('of')}: {event.text('cause')}"
        case _:
            return ""


def _flushed(show_it: Callable[[Document], None]) -> Callable[[Document], None]:
    """Whoever reads a pipe reads each line when it happens."""

    def show(document: Document) -> None:
        show_it(document)
        sys.stdout.flush()

    return show
