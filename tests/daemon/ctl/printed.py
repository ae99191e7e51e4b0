"""What a person gets to read of a daemon's document."""

import json
from collections.abc import Callable

import pytest

from torrentd.daemon.control_lines import encode_line
from torrentd.daemon.ctl.document import Document

Print = Callable[[Document], None]


def as_sent(result: object) -> Document:
    """What torrentctl gets of a daemon's document."""
    return Document(json.loads(encode_line(result)))


def printed(capsys: pytest.CaptureFixture[str], print_it: Print, result: object) -> list[str]:
    print_it(as_sent(result))
    return capsys.readouterr().out.splitlines()
