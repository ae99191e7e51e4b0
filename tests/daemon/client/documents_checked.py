"""Documents held to the shipped schemas."""

import json
from functools import cache

from jsonschema import Draft202012Validator

from torrentd.daemon.client.schema import DOCUMENTS, FOLDER, METHODS, file_name


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def mistakes(document: object, verb: str, *, line: bool = False) -> list[str]:
    """What is wrong with it, a sentence each."""
    kind = (DOCUMENTS | METHODS).get(verb)
    assert line or kind is not None, f"{verb} has no schema"
    name = file_name("dht status" if verb == "dht" else verb, line=line)
    found = validator(name).iter_errors(document)
    return [f"{verb}: {error.json_path}: {error.message[:300]}" for error in found]
