"""The verbs of the configuration: documents of plain values, refusals of one sentence."""

import asyncio
from pathlib import Path

import pytest

from torrentd.daemon.control_call import Call
from torrentd.daemon.control_config import ConfigVerbs
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_params import Params
from torrentd.daemon.settings import Settings
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import Refused


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "torrentd.yaml"
    path.write_text(f"state_dir: {tmp_path}\n")
    return path


@pytest.fixture
def settings(file: Path) -> Settings:
    settings = Settings(file, {"HOME": "/home/u"})

    async def save(data: bytes) -> str | None:
        return StateDir(file.parent).save_changes(data)

    settings.save = save
    return settings


def ask(settings: Settings, method: str, **params: Json) -> dict[str, object]:
    async def answer() -> dict[str, object]:
        verb = ConfigVerbs(settings, settings.reload).by_name[method]
        return dict((await verb(Params(method, params), Call(None, lambda: False))).document)

    return asyncio.run(answer())


def test_a_change_is_shown_listed_and_dropped(file: Path, settings: Settings) -> None:
    changed: dict[str, object] = {"file": str(file), "applied": ["log.level"], "needs_restart": []}
    assert ask(settings, "config set", key="log.level", value="debug") == changed
    assert ask(settings, "config show", keys=["log.level"]) == {
        "file": str(file),
        "settings": [{"key": "log.level", "value": "debug", "origin": "hand", "line": None}],
    }
    assert ask(settings, "config diff") == {
        "file": str(file),
        "differences": [
            {
                "key": "log.level",
                "running": "debug",
                "file": "info",
                "reason": "changed by hand",
            }
        ],
    }
    assert ask(settings, "config drop") == changed
    assert ask(settings, "config diff")["differences"] == []


def test_a_reload_tells_what_counts_now(file: Path, settings: Settings) -> None:
    file.write_text(file.read_text() + "log: {level: error}\ndht: {enabled: false}\n")
    assert ask(settings, "reload") == {
        "file": str(file),
        "applied": ["log.level"],
        "needs_restart": ["dht.enabled"],
    }


def test_a_key_is_explained(settings: Settings) -> None:
    keys = ask(settings, "config explain", keys=["log.level"])["keys"]
    assert "one of debug, info, warning, error" in str(keys)


@pytest.mark.parametrize("method", ["reload", "config diff"])
def test_a_wrong_file_is_one_sentence_with_all_mistakes(
    method: str, file: Path, settings: Settings
) -> None:
    file.write_text("listen: {port: 0}\nlog: {level: loud}\n")
    with pytest.raises(Refused, match=r"^nothing is changed: .*:1: listen.port: .*; .*:2: log"):
        ask(settings, method)


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    settings = Settings(None, {"HOME": str(tmp_path)})
    assert ask(settings, "reload") == {"file": None, "applied": [], "needs_restart": []}


@pytest.mark.parametrize("method", ["config show", "config set", "config drop", "reload"])
def test_a_parameter_that_nobody_knows_is_refused(method: str, settings: Settings) -> None:
    with pytest.raises(LineError):
        ask(settings, method, key="log.level", value="debug", kye="")
