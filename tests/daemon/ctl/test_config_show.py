"""What `torrentctl config` prints, at 80 columns."""

import pytest

from tests.daemon.ctl.printed import printed
from torrentd.daemon.ctl import config_show
from torrentd.daemon.explaining import explain


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_settings_read_as_a_file_would(capsys: pytest.CaptureFixture[str]) -> None:
    settings = [
        {"key": "listen.port", "value": "6881", "origin": "default", "line": None},
        {"key": "log.level", "value": "debug", "origin": "hand", "line": None},
        {"key": "state_dir", "value": "/srv/" + "s" * 40, "origin": "file", "line": 12},
        {"key": "download_dir", "value": "/srv", "origin": "environment", "line": None},
    ]
    lines = printed(
        capsys, config_show.show_settings, {"file": "/etc/t.yaml", "settings": settings}
    )
    assert lines == [
        "listen.port: 6881",
        "log.level: debug  # by hand",
        f"state_dir: /srv/{'s' * 40}  # line 12",
        "download_dir: /srv  # from the environment",
        "file: /etc/t.yaml",
    ]


def test_differences_tell_both_values_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    difference = {
        "key": "log.level",
        "running": "debug",
        "file": "info",
        "reason": "changed by hand",
    }
    lines = printed(
        capsys, config_show.show_differences, {"file": None, "differences": [difference]}
    )
    assert lines == ["log.level  (changed by hand)", "  runs:  debug", "  file:  info"]
    lines = printed(capsys, config_show.show_differences, {"file": None, "differences": []})
    assert lines == ["what runs is what the defaults say"]


def test_an_explanation_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    keys = explain(["listen", "control"])
    lines = printed(capsys, config_show.show_explained, {"keys": keys})
    assert lines[0] == "listen.addresses"
    assert "    Default: 6881. A change takes a restart." in lines
    assert "    Default: depends on who starts the daemon. A change takes a restart." in lines
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("applied", "waiting", "lines"),
    [
        ([], [], ["nothing has changed"]),
        (["log.level"], [], ["changed: log.level"]),
        (["a", "b"], ["c"], ["changed: a, b", "needs a restart: c"]),
    ],
)
def test_a_reload_tells_what_counts(
    applied: list[str], waiting: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"applied": applied, "needs_restart": waiting}
    assert printed(capsys, config_show.show_reloaded, document) == lines
