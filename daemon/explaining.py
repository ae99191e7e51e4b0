"""What the keys of the configuration mean, from the schema alone."""

from dataclasses import dataclass

from torrentd.config.keys import Key, all_keys, nearest_key, value_text
from torrentd.daemon.status import Refused


@dataclass(frozen=True, slots=True)
class Explained:
    """One key. `default` is None where it depends on who starts the daemon."""

    key: str
    sentence: str
    allowed: str
    default: str | None
    needs_restart: bool


def explain(names: list[str]) -> list[Explained]:
    """Each key, and every key of a section that is named."""
    keys = all_keys()
    chosen = dict.fromkeys(key for name in names for key in keys_named(name, list(keys)))
    return [_explained(keys[name]) for name in chosen if keys[name].section is None]


def keys_named(name: str, known: list[str]) -> list[str]:
    """That key, or the keys of that section; Refused when there is neither."""
    found = [key for key in known if key == name or key.startswith(name + ".")]
    if not found:
        raise Refused(unknown_key(name))
    return found


def unknown_key(name: str) -> str:
    """A sentence with the key that was probably meant."""
    nearest = nearest_key(name, all_keys())
    hint = f'; did you mean "{nearest}"?' if nearest else ""
    return f'there is no key "{name[:80]}"{hint}'


def _explained(key: Key) -> Explained:
    default: str | None = None
    if isinstance(key.default, tuple):
        default = "[" + ", ".join(f'"{item}"' for item in key.default) + "]"
    elif key.default is not None or key.name == "control.group":
        default = value_text(key.default, key.is_size)
    return Explained(key.name, key.sentence, key.right, default, key.at_start)
