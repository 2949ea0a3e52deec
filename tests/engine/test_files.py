"""Files that are whole or not there, by both ways of writing them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from engine.contract.errors import EngineError
from engine.storage import files
from engine.storage.files import whole_file


@pytest.fixture(params=["without a name", "aside"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "aside":
        monkeypatch.setattr(files, "_nameless", lambda _: None)
    elif sys.platform != "linux":
        pytest.skip("Linux alone has files without a name")
    return str(request.param)


def test_a_file_has_its_name_only_when_it_is_whole(way: str, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".png")
    for content in (b"first", b"second"):
        with whole_file(path) as file:
            file.write(content)
            others = [other.name for other in tmp_path.iterdir() if other != path]
            assert len(others) == (0 if way == "without a name" else 1)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_stood_there_stays_if_writing_fails(way: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"before")

    def fail() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(EngineError, match="No space left"):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_left_is_swept_a_day_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_nameless", lambda _: None)
    old, new = tmp_path / ".mixdiff-old", tmp_path / ".mixdiff-new"
    for left in (old, new):
        left.touch()
    day_ago = time.time() - 25 * 3600
    os.utime(old, (day_ago, day_ago))
    with whole_file(tmp_path / "picture.png") as file:
        file.write(b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mixdiff-new", "picture.png"]
