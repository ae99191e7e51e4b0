"""The JSON Schemas of all documents, made of their types.

    python -m torrentd.daemon.client.schema FOLDER

writes one for the document that each verb prints with --json, and one for the lines that it prints
with --jsonl. The folder `schemas` beside this file has them as they are shipped. They are closed:
they allow the keys of this release and no others.
"""

import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Literal,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from torrentd.daemon.client import daemon_documents as of_daemon
from torrentd.daemon.client import dht_documents as of_dht
from torrentd.daemon.client import documents, local_documents
from torrentd.daemon.client.status_documents import Status, TorrentStatus
from torrentd.daemon.control_lines import SCHEMA, Json

Schema: TypeAlias = "dict[str, Json]"

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).parent / "schemas"

# By the verb, which is the method too, but for what torrentctl does by itself.
DOCUMENTS: dict[str, type] = {
    "add": documents.Add,
    "show": local_documents.Show,
    "create": local_documents.Create,
    "import": local_documents.Import,
    "status": Status,
    "info": documents.Info,
    "why": documents.Why,
    "peers": documents.Peers,
    "files": documents.Files,
    "pieces": documents.Pieces,
    "export": documents.Export,
    "resolve": documents.Resolve,
    "wait": documents.Wait,
    "events": of_daemon.Events,
    "pause": documents.Touched,
    "resume": documents.Touched,
    "verify": documents.Touched,
    "announce": documents.Touched,
    "remove": documents.Remove,
    "add-peer": documents.AddPeer,
    "label": documents.Label,
    "queue": documents.Queue,
    "move": documents.Places,
    "rename": documents.Places,
    "limits": documents.Limits,
    "ban": of_daemon.Ban,
    "stats": of_daemon.Stats,
    "dht status": of_dht.DhtStatusAnswer,
    "dht nodes": of_dht.DhtNodes,
    "dht lookup": of_dht.DhtLookup,
    "dht scrape": of_dht.DhtScrape,
    "dht get": of_dht.DhtGet,
    "dht put": of_dht.DhtPut,
    "dht sample": of_dht.DhtSample,
    "dht ping": of_dht.DhtPing,
    "dht add-node": of_dht.DhtAddNode,
    "follow": of_dht.Pointers,
    "unfollow": of_dht.Pointers,
    "publish": of_dht.Publish,
    "config show": of_daemon.ConfigShow,
    "config diff": of_daemon.ConfigDiff,
    "config explain": of_daemon.ConfigExplain,
    "config set": of_daemon.Reload,
    "config drop": of_daemon.Reload,
    "reload": of_daemon.Reload,
    "version": of_daemon.Version,
    "shutdown": of_daemon.Shutdown,
}
# Methods that are no verbs: `add --from` asks the one, and `dht` is short for `dht status`.
METHODS: dict[str, type] = {"adopt": documents.Adopt, "dht": of_dht.DhtStatusAnswer}
# The lines of --jsonl, by the verb.
LINES: dict[str, object] = {
    "add": documents.AddResult | TorrentStatus,
    "wait": TorrentStatus,
    "events": of_daemon.Event,
    "dht lookup": of_dht.Hop | of_dht.MissedHops | of_dht.DhtLookup,
}
_PLAIN: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


def schemas() -> dict[str, Schema]:
    """All of them, by the name of their file."""
    made = {
        file_name(verb): schema(kind, file_name(verb), f"torrentctl {verb} --json")
        for verb, kind in (DOCUMENTS | METHODS).items()
        if verb != "dht"
    }
    for verb, kind in LINES.items():
        name = file_name(verb, line=True)
        made[name] = schema(kind, name, f"a line of torrentctl {verb} --jsonl")
    return made


def file_name(verb: str, *, line: bool = False) -> str:
    return f"{verb.replace(' ', '-')}{'.line' if line else ''}.json"


def schema(kind: object, name: str, title: str) -> Schema:
    """Of one document, whole in itself."""
    definitions: Schema = {}
    top = _of(kind, definitions)
    head: Schema = {"$schema": DIALECT, "$id": f"urn:torrentd:{SCHEMA}:{name}", "title": title}
    return {**head, **top, "$defs": definitions}


def text(made: Schema) -> str:
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _of(kind: object, definitions: Schema) -> Schema:
    """Records go to the definitions, by their names."""
    arguments, origin = get_args(kind), get_origin(kind)
    if origin is Annotated:
        return {**_of(arguments[0], definitions), "description": arguments[1]}
    if origin is NotRequired:
        return _of(arguments[0], definitions)
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": [*arguments]}
    if origin in (Union, UnionType):
        return _any_of([_of(each, definitions) for each in arguments])
    if origin is list:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is dict:
        keys, values = (_of(each, definitions) for each in arguments)
        return {"type": "object", "propertyNames": keys, "additionalProperties": values}
    if kind is object:
        return {}  # any JSON
    if isinstance(kind, type) and is_typeddict(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # its place, among those that it needs
            definitions[kind.__name__] = _record(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    return {"type": _PLAIN[kind]}


def _record(kind: type, definitions: Schema) -> Schema:
    fields = get_type_hints(kind, include_extras=True)
    optional: frozenset[str] = getattr(kind, "__optional_keys__", frozenset())
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": {name: _of(field, definitions) for name, field in fields.items()},
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def _any_of(choices: list[Schema]) -> Schema:
    """Types alone are a list of types."""
    types = [choice["type"] for choice in choices if choice.keys() == {"type"}]
    return {"type": types} if len(types) == len(choices) else {"anyOf": [*choices]}


def write(folder: Path) -> None:
    """What was there and is no schema any more goes."""
    folder.mkdir(parents=True, exist_ok=True)
    made = schemas()
    for old in folder.glob("*.json"):
        if old.name not in made:
            old.unlink()
    for name, each in made.items():
        (folder / name).write_text(text(each), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m torrentd.daemon.client.schema FOLDER")
    write(Path(sys.argv[1]))
