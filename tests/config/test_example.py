"""config/example.py and the shipped file: equal to the schema, key by key."""

import re
from pathlib import Path

from tests.shared import ROOT
from torrentd.config.example import SHOWN_DEFAULTS, example_yaml
from torrentd.config.keys import all_keys
from torrentd.config.load import load_config

SHIPPED = ROOT / "config" / "torrentd.yaml"
ENVIRON = {"HOME": "/home/u"}


def test_the_shipped_file_is_the_one_the_schema_makes() -> None:
    assert SHIPPED.read_text() == example_yaml(), "python -m torrentd.config.example > it"


def test_loading_the_shipped_file_gives_the_defaults() -> None:
    assert load_config(SHIPPED, ENVIRON) == load_config(None, ENVIRON)


def test_every_default_shown_in_it_is_the_default(tmp_path: Path) -> None:
    """Each `# key: value` with the two characters removed."""
    shown = re.sub(r"^( *)# ", r"\1", example_yaml(), flags=re.MULTILINE)
    for name, value in SHOWN_DEFAULTS.items():  # those that depend on who starts the daemon
        line = f"{name.rpartition('.')[2]}: {value}\n"
        assert line in shown
        shown = shown.replace(line, "")
    path = tmp_path / "torrentd.yaml"
    path.write_text(shown)
    assert load_config(path, ENVIRON) == load_config(None, ENVIRON)
    assert "  port: 6881" in shown.splitlines()


def test_every_key_stands_in_it_with_its_sentence() -> None:
    text = " ".join(example_yaml().replace("##", "").split())
    for key in all_keys().values():
        assert " ".join(key.sentence.split()) in text, key.name
        assert f" {key.name.rpartition('.')[2]}:" in text, key.name


def test_no_line_of_it_is_longer_than_a_hundred_characters() -> None:
    assert max(map(len, example_yaml().splitlines())) <= 100
