"""The engine's life as Blender sees it: its memory, its queue, its report, its models."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import (
    EngineError,
    Unloading,
    folders,
    generation,
    idle,
    installing,
    models,
    preferences,
    pump,
    queue,
    report_text,
    session,
    state_text,
    stop,
    wait,
    wait_for,
)
from scenes import render

HOSTS = "oldest and newest"


def begin() -> None:
    generation.begin(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def generate() -> None:
    begin()
    wait()


def user_files() -> list[Path]:
    return sorted(folders.user_folder().rglob("*"))


@pytest.fixture
def stopped(street: Any) -> None:
    """A scene, and no engine that runs."""
    stop()


@pytest.fixture
def without_choice(stopped: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has chosen an engine's Python."""
    monkeypatch.delenv("MIXDIFF_ENGINE_PYTHON")
    installing.look_again()
    yield
    monkeypatch.undo()
    installing.look_again()


@pytest.mark.usefixtures("without_choice")
def test_without_an_engine_it_says_how_to_install_one() -> None:
    status = installing.status()
    assert (status.environment, status.is_own) == ("absent", True)
    assert "the engine is not installed" in str(status.fault)
    assert "-c mixdiff setup" in str(status.fault)


@pytest.mark.usefixtures("stopped")
def test_a_chosen_python_is_taken_as_it_is_and_nothing_runs_before_it_is_needed() -> None:
    status = installing.status()
    assert (status.is_own, status.fault) == (False, None)
    for operator in ("free_memory", "stop_engine", "remove_job"):
        assert not getattr(bpy.ops.mixdiff, operator).poll()
    assert not session.has_model


@pytest.mark.usefixtures("stopped")
def test_a_python_without_the_packages_is_named_with_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, street: Any
) -> None:
    monkeypatch.setenv("MIXDIFF_ENGINE_PYTHON", sys.executable)
    generate()
    said = generation.last_report(street).text
    assert "No module named" in said
    assert "pip install torch -r " in said


@pytest.mark.usefixtures("stopped")
def test_opening_a_file_starts_fetches_and_writes_nothing(street: Any) -> None:
    blend = str(folders.user_folder() / "from someone else.blend")
    street.mixdiff.model = "owner/name"
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    before = user_files()
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert session.engine_pid is None
    assert not queue.is_busy
    assert not installing.task.is_active
    assert not models.task.is_active
    assert user_files() == before


@pytest.mark.usefixtures("street")
def test_waiting_pictures_are_moved_and_removed_each_with_a_file_of_its_own() -> None:
    for _ in range(4):
        begin()
    second, third, fourth = queue.waiting
    bpy.ops.mixdiff.move_job(index=1, places=-1)
    assert queue.waiting == (third, second, fourth)
    bpy.ops.mixdiff.remove_job()
    assert queue.waiting == (third, second)
    assert len({job.request.output.name for job in (*queue.running, *queue.waiting)}) == 3
    wait()
    assert state_text(session.state).startswith("Ready · CPU")


@pytest.mark.usefixtures("street")
def test_memory_is_given_back_by_hand_after_quiet_and_before_a_render(
    street: Any, tmp_path: Path
) -> None:
    generate()
    assert session.has_model
    bpy.ops.mixdiff.free_memory()
    assert not session.has_model

    generate()
    now, quiet_s = time.monotonic(), preferences.idle_minutes() * 60
    idle.look(now)
    idle.look(now + quiet_s - 1)
    assert session.has_model
    idle.look(now + quiet_s + 1)
    assert not session.has_model

    generate()
    chosen = bpy.context.preferences.addons["bl_ext.user_default.mixdiff"].preferences
    render(street, tmp_path / "kept.png")
    assert session.has_model
    chosen.free_before_render = True
    render(street, tmp_path / "freed.png")
    chosen.free_before_render = False
    assert not session.has_model
    assert not isinstance(session.state, Unloading)
    generate()
    assert session.has_model


@pytest.mark.usefixtures("street")
def test_the_report_has_versions_devices_and_the_log_but_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generate()
    monkeypatch.setenv("HF_TOKEN", "a-very-secret-token")
    said = "Authorization: Bearer hf_abcdefghijklmnop and a-very-secret-token"
    session.client.log.write(said)
    report, log = report_text(), folders.log_file().read_text()
    versions = ("MixDiff: 0.", "Blender: ", "engine's torch: ")
    for part in (*versions, "engine's device: cpu", "ready on"):
        assert part in report
    for secret in ("a-very-secret-token", "hf_abcdef", f"{Path.home()}/"):
        assert secret not in report
        assert secret not in log
    bpy.ops.mixdiff.copy_report()


def test_the_report_finds_the_log_of_an_earlier_blender(tmp_path: Path) -> None:
    own = folders.log_file()
    earlier = own.with_name("engine-1.log")
    earlier.parent.mkdir(parents=True, exist_ok=True)
    earlier.write_text("it ran out of memory\n")
    kept = own.rename(tmp_path / "own.log") if own.exists() else None
    try:
        report = report_text()
    finally:
        earlier.unlink()
        if kept:
            kept.rename(own)
    assert "last lines of the log of an earlier run (engine-1.log):" in report
    assert "it ran out of memory" in report


@pytest.mark.usefixtures("street")
def test_an_idle_engine_that_dies_is_noticed_and_the_next_picture_starts_another() -> None:
    generate()
    os.kill(session.engine_pid, 9)
    end = time.monotonic() + 10
    while state_text(session.state) != "Failed" and time.monotonic() < end:
        pump.run(wait_s=0.05)
    assert state_text(session.state) == "Failed"
    generate()
    assert state_text(session.state).startswith("Ready")
    assert bpy.ops.mixdiff.stop_engine() == {"FINISHED"}
    assert state_text(session.state) == "Starts with the next picture"
    assert session.engine_pid is None


@pytest.fixture
def hub(stopped: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub that holds the model owner/name, and no other."""
    monkeypatch.setenv("HF_ENDPOINT", os.environ["MIXDIFF_TEST_HUB"])
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_is_fetched_when_asked_used_and_removed(
    street: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    operators, system = bpy.ops.mixdiff, bpy.context.preferences.system
    street.mixdiff.model = "owner/name"
    monkeypatch.setattr(system, "use_online_access", False)
    with pytest.raises(RuntimeError, match="stay offline"):
        operators.download_model()
    system.use_online_access = True
    assert models.is_missing("owner/name")
    with pytest.raises(RuntimeError, match="download it first"):
        operators.generate()
    with pytest.raises(RuntimeError, match="no owner/else"):
        operators.download_model(model="owner/else")
    assert operators.download_model() == {"FINISHED"}
    assert type(models.task.state).__name__ == "Finished"
    assert not models.is_missing("owner/name")
    assert operators.generate() == {"FINISHED"}
    assert operators.remove_model() == {"FINISHED"}
    assert models.is_missing("owner/name")
    models.start("owner/name")
    with pytest.raises(EngineError, match=r"^the model owner/name is being downloaded;"):
        models.start("owner/else")
    wait_for(models.task)
    operators.choose_model(model="bundled")
    assert street.mixdiff.model == "bundled"
