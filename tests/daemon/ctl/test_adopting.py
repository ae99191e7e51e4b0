"""`add --from`: what is asked, what is shown, and hostile names in it (T12)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.fake_session import FakeSession
from torrentd.daemon.adopting import AdoptedFile, Adoption
from torrentd.daemon.ctl.adopting import FILES_SHOWN
from torrentd.daemon.ctl.main import main

MAGNET = "magnet:?xt=urn:btih:" + "ab" * 20


def adoption(count: int = 2, *, in_place: bool = False, name: str = "film") -> Adoption:
    files = [
        AdoptedFile(index, f"{name}/{index}", f"/old/{name}", 1024, "hard link")
        for index in range(count)
    ]
    return Adoption("ab" * 20, name, "/srv/d", in_place, 3072, 1024 * count, 3, files)


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession()) as running:
        running.session.adoption = adoption()
        yield running


@pytest.fixture
def torrent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.torrent").write_bytes(b"d4:infodee")
    return "x.torrent"


def run(served: Served, *arguments: str) -> int:
    return main(["--socket", str(served.path), "add", *arguments])


def test_it_is_added_where_the_data_is(
    served: Served, torrent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(served, torrent, "--from", "old", "--from", "/srv/b", "--dir", "here") == 0
    (asked,) = served.session.adopted
    assert [str(folder) for folder in asked.folders] == [f"{tmp_path}/old", "/srv/b"]
    assert asked.download_dir == f"{tmp_path}/here" and not asked.dry_run
    (request,) = served.session.added
    assert request.download_dir == "/srv/d" and request.metainfo == b"d4:infodee"
    assert capsys.readouterr().out.splitlines()[:3] == [
        "film: 2.00 KiB of 3.00 KiB found, 2 of 3 files, for /srv/d",
        "  film/0: hard link, /old/film",
        "  film/1: hard link, /old/film",
    ]


def test_a_dry_run_adds_nothing(
    served: Served, torrent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served.session.adoption = adoption(in_place=True)
    assert run(served, torrent, "--from", "/old", "--dry-run") == 0
    assert served.session.adopted[0].dry_run and served.session.added == []
    assert capsys.readouterr().out.endswith("2 of 3 files, in place in /srv/d\n")
    assert run(served, torrent, "--from", "/old", "--dry-run", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["torrents"] == [] and len(document["adopted"][0]["files"]) == 2


def test_nothing_found_and_far_too_much(
    served: Served, torrent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served.session.adoption = adoption(0)
    assert run(served, torrent, "--from", "/old") == 0
    assert capsys.readouterr().out.startswith("film: nothing of its 3.00 KiB was found\n")
    served.session.adoption = adoption(500)
    assert run(served, torrent, "--from", "/old", "--dry-run") == 0
    assert len(capsys.readouterr().out.splitlines()) == FILES_SHOWN + 2


def test_what_cannot_be(served: Served, torrent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(served, MAGNET, "--from", "/old") == 1
    assert "--from needs a torrent file" in capsys.readouterr().err
    assert run(served, torrent, "--dry-run") == 2
    assert "--from would find" in capsys.readouterr().err
    served.session.adoption = None
    assert run(served, torrent, "--from", "/old") == 1
    assert "nothing of it is here" in capsys.readouterr().err
    assert served.session.added == []


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_moves_a_cursor(
    served: Served, torrent: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served.session.adoption = adoption(name=name)
    assert run(served, torrent, "--from", "/old", "--dry-run") == 0
    assert is_safe(capsys.readouterr().out)
