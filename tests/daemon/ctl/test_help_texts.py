"""Each text of a verb ends with examples that can be typed."""

import re

from torrentd.daemon.ctl.arguments import make_parser
from torrentd.daemon.ctl.help_texts import DETAILS, EXAMPLES


def test_every_text_has_examples_of_its_verb_and_of_verbs_that_there_are() -> None:
    verbs = {verb.split()[0] for verb in make_parser()[1]}
    assert DETAILS.keys() == verbs - {"dht", "config"}
    for verb, text in {**DETAILS, "add": EXAMPLES}.items():
        typed = re.findall(r"torrentctl ([a-z-]+)", text.partition("examples:")[2])
        assert verb in typed and set(typed) <= verbs, verb
