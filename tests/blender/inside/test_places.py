"""Several engines at once: pictures and frames spread over them, one taken out, none lost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import (
    EngineError,
    Generating,
    batch,
    generation,
    preferences,
    pump,
    queue,
    read_job,
    scripting,
    session,
    shot,
    wait,
)
from scenes import add_region, pixels

HOSTS = "oldest and newest"
HERE = ""


@pytest.fixture(scope="module")
def two() -> Iterator[None]:
    """This computer as if it had two devices."""
    queue._fill(HERE, 2)
    yield
    for other in queue.sessions[1:]:
        other.stop()
    queue.sessions = queue.sessions[:1]


@pytest.fixture
def moving(camera: Any, scene: Any, tmp_path: Path) -> Any:
    region = add_region("house", "a house", size=(2, 2), at=(-1, 0, 0))
    region.keyframe_insert("location", frame=1)
    region.location.x = 1
    region.keyframe_insert("location", frame=5)
    scene.mixdiff.background, scene.mixdiff.prompt = True, "ink"
    scene.mixdiff.num_inference_steps = 2
    scene.mixdiff.seed = 3
    scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "walk.blend"))
    return region


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, queue.state
        pump.run(wait_s=0.01)


def at_work() -> int:
    return sum(isinstance(one.state, Generating) for one in queue.sessions)


def test_pictures_are_made_side_by_side_and_one_is_taken_out(two: None, street: Any) -> None:
    street.mixdiff.num_inference_steps, street.mixdiff.scheduler = 300, "ddim"
    street.mixdiff.seed = 7
    batch.begin(street, bpy.context.evaluated_depsgraph_get(), 3)
    (several,) = batch.under_way()
    until(lambda: at_work() == 2)
    assert several.text == "0 of 3 pictures"
    doomed, kept = queue.running
    bpy.ops.mixdiff.cancel_one(name=doomed.request.output.name)
    (third,) = queue.waiting
    until(lambda: kept in queue.running and third in queue.running)
    assert f"{doomed.request.output.stem} was cancelled" in generation.last_report(street).text
    assert several.count == 2
    with pytest.raises(RuntimeError, match="is not being made"):
        bpy.ops.mixdiff.cancel_one(name=doomed.request.output.name)
    bpy.ops.mixdiff.cancel()
    wait()
    assert not batch.under_way()
    assert len(street.mixdiff.history) == 0

    street.mixdiff.num_inference_steps = 2
    bpy.ops.mixdiff.generate_batch(count=4)
    assert {entry.seed for entry in street.mixdiff.history} == {7, 8, 9, 10}


def test_frames_are_spread_over_engines_and_are_what_one_engine_makes(
    two: None, moving: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = [0]

    def look() -> None:
        most[0] = max(most[0], len(queue.running))

    made = scripting.generate_range("1-5", on_progress=look)
    assert most[0] == 2
    (entry,) = scene.mixdiff.history
    assert entry.what == "5 frames, 1-5"
    assert [frame.file.name for frame in made.frames] == [f"walk-000{n}.png" for n in range(1, 6)]
    monkeypatch.setattr(queue, "sessions", queue.sessions[:1])
    alone = scripting.generate_range("1-5", output=tmp_path / "alone/walk-####.png")
    for one, two_ in zip(alone.frames, made.frames, strict=True):
        jobs = [{**read_job(file), "model": ""} for file in (one.file, two_.file)]
        assert jobs[0] == jobs[1]
        assert (pixels(one.file) == pixels(two_.file)).all()


def test_a_frame_that_is_taken_out_is_missing_alone_and_made_by_going_on(
    two: None, moving: Any, scene: Any, tmp_path: Path
) -> None:
    scene.mixdiff.num_inference_steps, scene.mixdiff.scheduler = 200, "ddim"
    begun = shot.begin(scene, scripting.ShotFrames.read("1-4"))
    until(lambda: at_work() == 2)
    assert begun.text.startswith("0 of 4 frames")
    name = queue.running[1].request.output.name
    bpy.ops.mixdiff.cancel_one(name=name)
    scene.mixdiff.num_inference_steps = 2  # of those that are not sent yet
    wait()
    assert begun.has_ended
    assert "Cancelled: 3 of 4 frames are there" in generation.last_report(scene).text
    assert not (tmp_path / "mixdiff/walk-0001" / name).exists()
    bpy.ops.mixdiff.resume_shot()
    assert len(list((tmp_path / "mixdiff/walk-0001").glob("*.png"))) == 4
    assert len(scene.mixdiff.history) == 1


def test_a_shot_that_is_cancelled_ends_on_all_engines(
    two: None, moving: Any, scene: Any, tmp_path: Path
) -> None:
    scene.mixdiff.num_inference_steps = 300
    begun = shot.begin(scene, scripting.ShotFrames.read("1-4"))
    until(lambda: at_work() == 2)
    bpy.ops.mixdiff.cancel()
    wait()
    assert begun.has_ended
    assert not queue.is_busy
    assert "Cancelled: 0 of 4 frames are there" in generation.last_report(scene).text
    assert not list((tmp_path / "mixdiff/walk-0001").glob("*.png"))


def test_what_is_carried_from_frame_to_frame_follows_one_at_a_time(
    two: None, moving: Any, scene: Any
) -> None:
    scene.mixdiff.coherence = "carried"
    most = [0]

    def look() -> None:
        most[0] = max(most[0], len(queue.running))

    scripting.generate_range("1-3", on_progress=look)
    assert most[0] == 1


def test_a_cluster_that_cannot_be_reached_is_said_and_nothing_is_left(
    moving: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "cluster", lambda: "127.0.0.1:9")
    with pytest.raises(RuntimeError, match=r"Ray is not installed|nothing answers at 127"):
        bpy.ops.mixdiff.generate_batch(count=3)
    with pytest.raises(EngineError, match=r"Ray is not installed|nothing answers at 127"):
        scripting.generate_range("1-3")
    assert not queue.is_busy
    assert not list((tmp_path / "mixdiff").glob("**/*.png"))
    monkeypatch.setattr(preferences, "cluster", lambda: "")
    bpy.ops.mixdiff.generate_batch(count=1)
    assert len(scene.mixdiff.history) == 1
    assert session.place == HERE
