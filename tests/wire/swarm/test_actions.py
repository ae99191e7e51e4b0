"""Actions are imperatives, and every one of them is in the union. No BEP applies."""

import inspect
from typing import get_args

from torrentd.wire.swarm import actions


def test_every_action_of_the_module_is_an_action() -> None:
    classes = {
        value
        for value in vars(actions).values()
        if inspect.isclass(value) and value.__module__ == actions.__name__
    }
    assert classes == set(get_args(actions.Action))


def test_every_action_that_has_an_answer_says_which() -> None:
    documentation = inspect.getdoc(actions)
    assert documentation is not None
    answered = ("Dial", "Transmit", "Close", "StorePiece", "ReadBlocks")
    for action in (*answered, "DecodeMetadata", "MetadataComplete"):
        assert f"| {action} " in documentation
