"""Environments are made once, mended when broken, and renewed when their requirements change."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from building import environments
from building.environments import (
    BPY,
    ENGINE_DEV,
    Environment,
    Step,
    make_environment,
    make_environments,
)
from building.programs import BuildError
from building.programs import run as really_run

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every pip installation asked for, none of them done; environments live in tmp_path."""
    asked: list[str] = []

    def run(command: list[str | Path], **options: object) -> str:
        words = [str(word) for word in command]
        if words[1:3] == ["-m", "pip"]:
            asked.append(words[-1])
            return ""
        if words[1:3] == ["-m", "venv"]:
            words.insert(3, "--without-pip")  # eight seconds less
        return really_run(words)

    monkeypatch.setattr(environments, "run", run)
    monkeypatch.setenv("MIXDIFF_ENVIRONMENTS", str(tmp_path))
    return asked


def environment(*steps: str) -> Environment:
    return Environment(
        name="small",
        pythons=(RUNNING,),
        steps=tuple(Step(title=step, arguments=(step,)) for step in steps),
    )


def test_an_environment_is_made_once(installed: list[str]) -> None:
    assert make_environment(environment("one", "two"))
    assert not make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


def test_a_further_step_joins_an_environment_that_is_there(installed: list[str]) -> None:
    make_environment(environment("one"))
    make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


def test_a_changed_requirement_file_is_installed_again(
    installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "CHECKOUT", tmp_path)
    small = Environment(
        name="small",
        pythons=(RUNNING,),
        steps=(Step(title="listed", arguments=("-r", "list.txt")),),
    )
    for text in ("tqdm==1", "tqdm==1", "tqdm==2"):
        (tmp_path / "list.txt").write_text(text)
        make_environment(small)
    assert installed == ["list.txt", "list.txt"]


def test_an_installation_that_was_cut_off_is_done_again(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(command: object, **options: object) -> str:
        raise KeyboardInterrupt

    make_environment(environment("one"))
    with monkeypatch.context() as patch:
        patch.setattr(environments, "run", cut_off)
        with pytest.raises(KeyboardInterrupt):
            make_environment(environment("one", "two"))
    make_environment(environment("one", "two"))
    assert installed == ["one", "two"]


@pytest.mark.parametrize("damage", ["no interpreter", "no stamp", "a cut stamp", "another Python"])
def test_a_damaged_environment_is_made_anew(installed: list[str], damage: str) -> None:
    small = environment("one")
    make_environment(small)
    stamp = small.folder / environments.STAMP
    match damage:
        case "no interpreter":
            shutil.rmtree(small.python.parent)
        case "no stamp":
            stamp.unlink()
        case "a cut stamp":
            stamp.write_text(stamp.read_text()[:20])
        case "another Python":
            stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "python": "3.11.0"}))
    assert make_environment(small)
    assert installed == ["one", "one"]
    assert environments.python_version(small.python) == environments.python_version(sys.executable)


def test_an_optional_environment_that_fails_is_left_out_and_said(
    installed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Environment(name="lost", pythons=("3.99",), steps=())
    assert make_environments([environment("one"), lost], optional=[lost]) == {"lost"}
    assert "lost: left out: Python 3.99 was not found" in capsys.readouterr().out


def test_an_environment_that_must_be_there_fails_with_its_name(installed: list[str]) -> None:
    lost = Environment(name="lost", pythons=("3.98", "3.99"), steps=())
    with pytest.raises(BuildError, match=r"^lost: Python 3\.98 or 3\.99 was not found"):
        make_environments([environment("one"), lost])


def test_what_is_fetched_is_said_before_it_is_with_its_size(
    installed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heavy = Step(title="heavy", arguments=("heavy",), fetches_mb={sys.platform: 2740})
    light = Step(title="light", arguments=("light",), fetches_mb={sys.platform: 96})
    both = Environment(name="small", pythons=(RUNNING,), steps=(heavy, light))
    make_environments([both])
    make_environments([both])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "to fetch, at most: heavy (2.7 GB), light (96 MB); 2.8 GB in all"
    assert sum(line.startswith("to fetch") for line in said) == 1


@pytest.mark.parametrize("step", [*ENGINE_DEV.steps, *(step for bpy in BPY for step in bpy.steps)])
def test_every_installation_knows_its_size_on_every_system(step: Step) -> None:
    assert set(step.fetches_mb) == {"linux", "darwin", "win32"}


def test_the_running_python_is_preferred() -> None:
    other = "3.13" if RUNNING != "3.13" else "3.12"
    found = environments.find_python((other, RUNNING))
    assert (environments.python_version(found) or "").startswith(RUNNING + ".")


@pytest.mark.skipif(sys.platform == "win32", reason="a program there needs an .exe")
def test_a_python_without_its_version_in_its_name_is_a_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert str(tmp_path / "python") in list(environments.python_candidates("3.99"))
    with pytest.raises(BuildError, match=r"Python 3\.99 was not found"):
        environments.find_python(("3.99",))
