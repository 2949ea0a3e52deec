"""Files that are whole or not there, by both ways of writing them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from engine.contract import files
from engine.contract.errors import EngineError
from engine.contract.files import atomic_write, is_dir, is_file, is_there, open_input, path_in


@pytest.fixture(params=["without a name", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "named":
        monkeypatch.setattr(files, "_open_nameless", lambda _: None)
    elif sys.platform != "linux":
        pytest.skip("Linux alone has files without a name")
    return str(request.param)


def test_a_file_has_its_name_only_when_it_is_whole(way: str, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".png")
    for content in (b"first", b"second"):
        with atomic_write(path) as file:
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
        with atomic_write(path) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(EngineError, match="No space left"):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_processes_left_is_swept_a_day_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "_open_nameless", lambda _: None)
    old, new = tmp_path / ".mixdiff-old", tmp_path / ".mixdiff-new"
    for left in (old, new):
        left.touch()
    day_ago = time.time() - 25 * 3600
    os.utime(old, (day_ago, day_ago))
    with atomic_write(tmp_path / "picture.png") as file:
        file.write(b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mixdiff-new", "picture.png"]


@pytest.mark.parametrize("name", ["a file/out.png", "n" * 300 + ".png", "n" * 300 + "/out.png"])
def test_what_cannot_be_written_says_where_and_what_to_do(
    way: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("not a folder")
    with (
        pytest.raises(EngineError, match="cannot be written") as caught,
        atomic_write(tmp_path / name),
    ):
        pass
    assert caught.value.kind == "output"
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.advice
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_another_error_leaves_what_stood_there_and_is_not_renamed(way: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("before")

    def break_off() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        break_off()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_is_not_replaced(way: str) -> None:
    with (
        pytest.raises(EngineError, match="cannot be written"),
        atomic_write(Path("/dev/full/out.png")),
    ):
        pass
    assert Path("/dev/full").is_char_device()


def test_what_need_not_last_is_not_waited_for(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for durable in (True, False):
        with atomic_write(tmp_path / "preview.png", durable=durable) as file:
            file.write(b"pixels")
        assert (tmp_path / "preview.png").read_bytes() == b"pixels"
        assert len(synced) == 1


def test_an_input_that_cannot_be_read_is_of_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with (
            pytest.raises(EngineError, match=r"cannot be read: .*; choose another") as caught,
            open_input(path, kind="picture", advice="choose another"),
        ):
            pass
        assert caught.value.kind == "picture"
        assert str(path) in caught.value.message


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("a/b.png", "here/a/b.png"),
        ("a\\b.png", "here/a/b.png"),
        ("~/b.png", "home/b.png"),
        ("~\\a\\b.png", "home/a/b.png"),
        ("~other/b.png", "here/~other/b.png"),
        ("a\\really", "here/a\\really"),
    ],
)
def test_a_path_is_read_as_people_write_it(
    written: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a\\really").touch()
    assert path_in(tmp_path / "here", written) == tmp_path / place


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\0b", "a/b", "", "/dev/null"])
def test_what_cannot_be_a_file_is_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert not is_file(tmp_path / name)
    assert is_dir(tmp_path / name) == (name == "")
    assert is_there(tmp_path / name) == (name in ("", "/dev/null"))
