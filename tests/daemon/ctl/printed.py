"""What a person gets to read of a daemon's document."""

from collections.abc import Callable

import pytest

from torrentd.daemon.control_lines import AnswerLine, decode_answer, encode_result
from torrentd.daemon.ctl.document import Document

Print = Callable[[Document], None]


def as_sent(result: object) -> Document:
    """What torrentctl gets of a daemon's document."""
    answer = decode_answer(b"".join(encode_result(1, result)))
    assert isinstance(answer, AnswerLine)
    return Document(answer.result)


def printed(capsys: pytest.CaptureFixture[str], print_it: Print, result: object) -> list[str]:
    print_it(as_sent(result))
    return capsys.readouterr().out.splitlines()
