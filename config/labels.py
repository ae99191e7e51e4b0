"""Which names labels may have. Imports nothing of ours."""

LABEL_CHARS_MAX = 64


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
