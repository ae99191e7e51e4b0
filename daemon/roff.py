"""Text as the source of a manual page (man(7)): what is plain stays plain in it."""

import re

_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def plain(text: str) -> str:
    """One or more lines, none of which troff takes for a request or an escape."""
    return _protected(text).replace("-", "\\-")


def running(text: str) -> str:
    """Sentences to be filled, with the options in them in bold."""
    return _OPTION.sub(lambda found: bold(found[0]), _protected(text))


def bold(text: str) -> str:
    return f"\\fB{plain(text)}\\fR"


def italic(text: str) -> str:
    return f"\\fI{plain(text)}\\fR"


def literal(lines: list[str]) -> str:
    """As it stands, indented and without filling: examples and tables."""
    return "\n".join(
        [".PP", ".RS 4", ".nf", *(plain(line) or "\\&" for line in lines), ".fi", ".RE"]
    )


def item(head: str, text: str) -> str:
    """A definition; `head` is roff already."""
    return f".TP\n{head}\n{running(text)}"


def _protected(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("`", "\\(ga")
    return "\n".join(
        f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.splitlines()
    )
