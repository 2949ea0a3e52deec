"""Environments are made once, mended when broken, and renewed when their requirements change."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import build

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every pip installation asked for, none of them done; environments live in tmp_path."""
    asked: list[str] = []
    really_run = build.run

    def run(command: list[str | Path], **options: object) -> str:
        words = [str(word) for word in command]
        if words[1:3] == ["-m", "pip"]:
            asked.append(words[-1])
            return ""
        if words[1:3] == ["-m", "venv"]:
            words.insert(3, "--without-pip")  # eight seconds less
        return really_run(words)

    monkeypatch.setattr(build, "run", run)
    monkeypatch.setenv("MIXDIFF_ENVIRONMENTS", str(tmp_path))
    return asked


def environment(*steps: str) -> build.Environment:
    return build.Environment(
        name="small",
        pythons=(RUNNING,),
        steps=tuple(build.Step(title=step, arguments=(step,)) for step in steps),
    )


def test_an_environment_is_made_once(installed: list[str]) -> None:
    assert build.make_environment(environment("one", "two"))
    assert not build.make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


def test_a_further_step_joins_an_environment_that_is_there(installed: list[str]) -> None:
    build.make_environment(environment("one"))
    build.make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


def test_a_changed_requirement_file_is_installed_again(
    installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CHECKOUT", tmp_path)
    small = build.Environment(
        name="small",
        pythons=(RUNNING,),
        steps=(build.Step(title="listed", arguments=("-r", "list.txt")),),
    )
    for text in ("tqdm==1", "tqdm==1", "tqdm==2"):
        (tmp_path / "list.txt").write_text(text)
        build.make_environment(small)
    assert installed == ["list.txt", "list.txt"]


def test_an_installation_that_was_cut_off_is_done_again(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(command: object, **options: object) -> str:
        raise KeyboardInterrupt

    build.make_environment(environment("one"))
    with monkeypatch.context() as patch:
        patch.setattr(build, "run", cut_off)
        with pytest.raises(KeyboardInterrupt):
            build.make_environment(environment("one", "two"))
    build.make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


@pytest.mark.parametrize("damage", ["no interpreter", "no stamp", "a cut stamp", "another Python"])
def test_a_damaged_environment_is_made_anew(installed: list[str], damage: str) -> None:
    small = environment("one")
    build.make_environment(small)
    stamp = small.folder / build.STAMP
    match damage:
        case "no interpreter":
            shutil.rmtree(small.python.parent)
        case "no stamp":
            stamp.unlink()
        case "a cut stamp":
            stamp.write_text(stamp.read_text()[:20])
        case "another Python":
            stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "python": "3.11.0"}))
    assert build.make_environment(small)
    assert installed == ["one", "one"]
    assert build.python_version(small.python) == build.python_version(sys.executable)


def test_an_optional_environment_that_fails_is_left_out_and_said(
    installed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = build.Environment(name="lost", pythons=("3.99",), steps=())
    assert build.make_environments([environment("one"), lost], optional=[lost]) == {"lost"}
    assert "lost: left out: Python 3.99 was not found" in capsys.readouterr().out


def test_an_environment_that_must_be_there_fails_with_its_name(installed: list[str]) -> None:
    lost = build.Environment(name="lost", pythons=("3.98", "3.99"), steps=())
    with pytest.raises(build.BuildError, match=r"^lost: Python 3\.98 or 3\.99 was not found"):
        build.make_environments([environment("one"), lost])


def test_the_running_python_is_preferred() -> None:
    other = "3.13" if RUNNING != "3.13" else "3.12"
    found = build.find_python((other, RUNNING))
    assert (build.python_version(found) or "").startswith(RUNNING + ".")
