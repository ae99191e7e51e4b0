"""What the daemon writes as a dataclass is, field for field, what a document's type says."""

import dataclasses
from typing import Annotated, Literal, get_args, get_origin, get_type_hints, is_typeddict


def differences(written: type, said: type, *, but: tuple[str, ...] = ()) -> list[str]:
    """Fields that are only on one side, or of different types; `but` are those of neither."""
    left, right = get_type_hints(written), get_type_hints(said)
    names = sorted({*left, *right} - {"schema", *but})
    return [name for name in names if not _fits(left.get(name), right.get(name))]


def _fits(written: object, said: object) -> bool:
    """Is what is written always what is said? Where a text is written, certain words may be said:
    that these are all of them is for the schemas to find out."""
    if get_origin(said) is Annotated:
        return _fits(written, get_args(said)[0])
    if isinstance(written, type) and dataclasses.is_dataclass(written):
        return isinstance(said, type) and is_typeddict(said) and not differences(written, said)
    if get_origin(said) is Literal:
        return written is str or set(get_args(written)) == set(get_args(said))
    left, right = get_args(written), get_args(said)
    if not left or not right:
        return written == said
    if type(None) in left or type(None) in right:
        return len(left) == len(right) and all(map(_fits, left, right))
    return get_origin(written) == get_origin(said) and all(map(_fits, left, right))
