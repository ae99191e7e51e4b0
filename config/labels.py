"""What a label brings along: `films: dir /srv/films, up 500K, when ratio > 2: pause`."""

from dataclasses import dataclass

from torrentd.config.rules import Rule, parse_rule, size_of

LABEL_CHARS_MAX = 64
RULES_OF_LABEL_MAX = 20


@dataclass(frozen=True, slots=True)
class Label:
    """The folder, limits and order count for what is added with the label; the rules for whatever
    has it."""

    name: str
    folder: str | None = None
    download_bytes_per_s_max: int = 0
    upload_bytes_per_s_max: int = 0
    sequential: bool = False
    rules: tuple[Rule, ...] = ()


def check_label(name: str) -> str:
    """The name, without spaces around it; ValueError with a reason."""
    name = name.strip()
    if not 0 < len(name) <= LABEL_CHARS_MAX:
        raise ValueError(f"a label has 1 to {LABEL_CHARS_MAX} characters")
    if not name.isprintable() or any(sign in name for sign in ",:*?[]"):
        raise ValueError("a label has no comma, colon or sign of a pattern in it")
    if name.startswith("-"):
        raise ValueError("a label does not begin with a dash")
    return name


def parse_label(text: str) -> Label:
    """Raises ValueError with a reason."""
    name, colon, rest = text.partition(":")
    if not colon or not rest.strip():
        raise ValueError(
            "it needs a name, a colon, and what it brings, as in films: dir /srv/films"
        )
    folder, down, up, sequential = None, 0, 0, False
    rules: list[Rule] = []
    for part in rest.split(","):
        word, _, value = part.strip().partition(" ")
        match word:
            case "dir":
                folder = _folder(value.strip())
            case "down":
                down = _rate(value.strip())
            case "up":
                up = _rate(value.strip())
            case "sequential" if not value:
                sequential = True
            case "when":
                rules.append(parse_rule(part))
            case _:
                known = "dir /srv/films, down 1M, up 500K, sequential, when ratio > 2: pause"
                raise ValueError(f"{part.strip()[:60]!r} is none of {known}")
    return Label(check_label(name), folder, down, up, sequential, tuple(rules))


def _folder(text: str) -> str:
    if not text.startswith("/") or ".." in text.split("/") or "\0" in text:
        raise ValueError(f"{text[:60]!r} is no absolute path")
    return text


def _rate(text: str) -> int:
    rate = size_of(text.removesuffix("/s"))
    if not rate:
        raise ValueError(f"{text[:60]!r} is no rate; 500K and 1.5M are")
    return rate
