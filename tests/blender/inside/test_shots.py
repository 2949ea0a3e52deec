"""Frames one after the other: numbered, gone on with, and one entry of the history."""

import json
import os
import time
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import (
    EngineError,
    Generating,
    changes_since,
    cli_main,
    generation,
    history,
    pump,
    read_job,
    scripting,
    session,
    shot,
    wait,
)
from scenes import add_camera, add_region, file_of, pixels, place, update

HOSTS = "oldest and newest"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.png"))


def places(folder: Path, prompt: str = "a house") -> list[list[int]]:
    found = []
    for name in names(folder):
        regions = read_job(folder / name)["regions"]
        found.append(next(place(r) for r in regions if prompt in r["prompt"]))
    return found


def test_a_range_is_one_entry_whose_frames_are_numbered_as_renders_are(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    made = scripting.generate_range("1-3")
    folder = tmp_path / "mixdiff/walk-0001"
    assert names(folder) == ["walk-0001.png", "walk-0002.png", "walk-0003.png"]
    assert [frame.file.name for frame in made.frames] == names(folder)
    columns = [left for _, _, left, _ in places(folder)]
    assert columns == sorted(set(columns))  # it moves
    (entry,) = scene.mixdiff.history
    assert (entry.name, entry.what) == ("walk-0001", "3 frames, 1-3")
    assert scene.frame_current == 1
    image = scene.mixdiff.result
    assert (image.source, Path(file_of(image)).name) == ("SEQUENCE", "walk-0001.png")
    assert {read_job(folder / name)["seed"] for name in names(folder)} == {made.seed}


def test_a_step_holds_the_frames_that_it_leaves_out(moving: Any, tmp_path: Path) -> None:
    made = scripting.generate_range("1-5:2")
    assert [frame.time for frame in made.frames] == [1, 3, 5]
    folder = tmp_path / "mixdiff/walk-0001"
    assert names(folder) == [f"walk-000{n}.png" for n in (1, 2, 3, 4, 5)]
    assert (pixels(folder / "walk-0002.png") == pixels(folder / "walk-0001.png")).all()
    plain = scripting.generate_range("1-5:2", output=tmp_path / "out/shot_##.png")
    assert names(tmp_path / "out") == ["shot_01.png", "shot_03.png", "shot_05.png"]
    assert plain.image.get("mixdiff_frames").to_list() == [1, 5]


def test_between_frames_there_are_frames_too(moving: Any, scene: Any, tmp_path: Path) -> None:
    made = scripting.generate_range("1-2:0.5")
    assert [frame.time for frame in made.frames] == [1, 1.5, 2]
    folder = tmp_path / "mixdiff/walk-0001"
    assert names(folder) == ["walk-0001.png", "walk-0002.png", "walk-0003.png"]
    scene.frame_set(3, subframe=0.25)
    assert place(scripting.job(frame=1.5)["regions"][-1]) == places(folder)[1]
    assert (scene.frame_current, scene.frame_subframe) == (3, 0.25)


def test_markers_switch_cameras_and_give_them_back(moving: Any, scene: Any) -> None:
    first = scene.camera
    other = add_camera(scene)
    other.name, other.location.x, scene.camera = "Other", 2, first
    for camera, frame in ((first, 1), (other, 3)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    free = add_camera(scene)  # which no marker knows
    scene.camera = free
    made = scripting.generate_range("2-3")
    places_ = [read_job(frame.file)["regions"][-1]["col_init"] for frame in made.frames]
    assert places_[1] < places_[0]
    assert scene.camera == free


def test_resuming_makes_what_is_missing_or_has_changed(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    first = scripting.generate_range("1-4")
    (tmp_path / "mixdiff/walk-0001/walk-0002.png").unlink()
    again = scripting.generate_range("1-4", resume=True)
    assert [frame.is_new for frame in again.frames] == [False, True, False, False]
    assert again.seed == first.seed
    moving.mixdiff.mask_weight = 1
    moving.mixdiff.keyframe_insert("mask_weight", frame=3)
    moving.mixdiff.mask_weight = 2
    moving.mixdiff.keyframe_insert("mask_weight", frame=4)
    third = scripting.generate_range("1-4", resume=True)
    assert [frame.is_new for frame in third.frames] == [False, False, False, True]
    assert len(scene.mixdiff.history) == 1


def changed_shot(moving: Any, scene: Any, tmp_path: Path) -> Path:
    """Return the folder of a shot that lacks a frame, and whose scene was changed since."""
    scripting.generate_range("1-3")
    folder = tmp_path / "mixdiff/walk-0001"
    (folder / "walk-0003.png").unlink()
    scene.mixdiff.num_inference_steps = 2
    moving.mixdiff.prompt = "a barn"
    add_region("tree", "a tree", size=(1, 1))
    update()
    return folder


CHANGES = ("Steps 1 → 2", "tree is new", "house: Prompt a house, ink → a barn, ink")


def test_what_is_other_than_when_frames_were_made_is_said_by_name(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    folder = changed_shot(moving, scene, tmp_path)
    record = history.record_of(scene.mixdiff.history[0])
    assert set(CHANGES) <= set(changes_since(scene, record))
    assert scene.frame_current == 1
    made = scripting.generate_range("1-3", resume=True)
    assert [frame.is_new for frame in made.frames] == [True, True, True]
    assert "is made again" in made.frames[0].warnings[0]
    assert all(change in made.frames[0].warnings[0] for change in CHANGES)
    assert not any("again" in text for text in made.frames[2].warnings)  # which was missing
    assert [read_job(folder / name)["num_inference_steps"] for name in names(folder)] == [2, 2, 2]
    assert changes_since(scene, record) == ()


@pytest.mark.parametrize("way", ["script", "range", "resume"])
def test_frames_that_were_made_otherwise_can_be_kept(
    way: str, moving: Any, scene: Any, tmp_path: Path
) -> None:
    folder = changed_shot(moving, scene, tmp_path)
    before = [(folder / f"walk-000{n}.png").read_bytes() for n in (1, 2)]
    if way == "script":
        made = scripting.generate_range("1-3", keep_made=True, resume=True)
        assert [frame.is_new for frame in made.frames] == [False, False, True]
    elif way == "range":
        bpy.ops.mixdiff.generate_range(first=1, last=3, step=1, resume=True, made_otherwise="KEEP")
    else:
        bpy.ops.mixdiff.resume_shot(made_otherwise="KEEP")
    assert [(folder / f"walk-000{n}.png").read_bytes() for n in (1, 2)] == before
    assert read_job(folder / "walk-0003.png")["num_inference_steps"] == 2
    assert "it is kept: Steps 1 → 2" in generation.last_report(scene).text


def test_an_engine_that_is_killed_in_the_middle_costs_no_frame(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    scene.mixdiff.num_inference_steps = 20  # long enough to be in the middle
    killed = []

    def kill() -> None:
        running = shot.current()
        at_work = isinstance(session.state, Generating) and running and len(running.made) == 2
        if at_work and not killed:
            killed.append(session.engine_pid)
            os.kill(session.engine_pid, 9)

    with pytest.raises(EngineError) as ended:
        scripting.generate_range("1-4", on_progress=kill)
    assert ended.value.kind == "crashed"
    folder = tmp_path / "mixdiff/walk-0001"
    there = [path for path in folder.glob("*.png") if path.stat().st_size]
    assert len(there) == 2
    said = generation.last_report(scene).text
    assert said.startswith("Frame 3: ")
    assert "2 of 4 frames are there. Resume makes the rest" in said
    times = [path.stat().st_mtime_ns for path in sorted(there)]
    made = scripting.generate_range("1-4", resume=True)
    assert [frame.is_new for frame in made.frames] == [False, False, True, True]
    assert [path.stat().st_mtime_ns for path in sorted(there)] == times
    assert len(scene.mixdiff.history) == 1


def test_a_shot_that_was_killed_is_gone_on_with_by_a_file_that_knows_nothing_of_it(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    scripting.generate_range("1-3")
    (tmp_path / "mixdiff/walk-0001/walk-0003.png").unlink()
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    scene = bpy.context.scene
    assert not scene.mixdiff.history
    bpy.ops.mixdiff.generate_range(first=1, last=3, step=1, resume=True)
    assert names(tmp_path / "mixdiff/walk-0001") == [f"walk-000{n}.png" for n in (1, 2, 3)]
    assert [entry.name for entry in scene.mixdiff.history] == ["walk-0001"]


def test_cancelling_keeps_the_frames_and_resuming_makes_the_rest(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    def cancel() -> None:
        running = shot.current()
        if running is not None and running.made:
            running.cancel()

    with pytest.raises(EngineError, match="cancelled"):
        scripting.generate_range("1-5", on_progress=cancel)
    there = names(tmp_path / "mixdiff/walk-0001")
    assert 1 <= len(there) < 5
    assert shot.current() is None
    assert "of 5 frames are there" in generation.last_report(scene).text
    bpy.ops.mixdiff.resume_shot()
    assert len(names(tmp_path / "mixdiff/walk-0001")) == 5
    assert len(scene.mixdiff.history) == 1


def test_a_shot_that_is_cancelled_at_the_end_of_a_frame_ends_with_it(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    begun = shot.begin(scene, scripting.ShotFrames.read("1-5"))
    while not isinstance(session.state, Generating):
        pump.run(wait_s=0.01)
    while session.state.request_id in session.client._open:
        time.sleep(0.01)  # then its answer is there, and nobody has looked
    bpy.ops.mixdiff.cancel()
    wait()
    assert begun.has_ended
    assert (begun.made, shot.current()) == ([1], None)
    assert "Cancelled: 1 of 5 frames are there" in generation.last_report(scene).text


def test_a_frame_that_cannot_be_painted_is_named_and_nothing_is_lost(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    scene.mixdiff.background, scene.mixdiff.prompt = False, ""
    moving.hide_render = False
    moving.keyframe_insert("hide_render", frame=1)
    moving.hide_render = True
    moving.keyframe_insert("hide_render", frame=3)
    with pytest.raises(EngineError):
        scripting.generate_range("1-4")
    report = generation.last_report(scene).text
    assert report.startswith("Frame 3: ")
    assert "2 of 4 frames are there" in report
    assert len(names(tmp_path / "mixdiff/walk-0001")) == 2
    assert len(scene.mixdiff.history) == 1


@pytest.mark.parametrize("frames", ["5-1", "x", "1-4:0", "1-2:0.000001", ""])
def test_bad_ranges_are_refused(moving: Any, frames: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        scripting.generate_range(frames)
    assert not (tmp_path / "mixdiff").exists()


def test_random_seeds_of_regions_are_the_same_in_all_frames(moving: Any) -> None:
    other = add_region("again", size=(1, 1))
    other.mixdiff.type = "reroll"
    made = scripting.generate_range("1-2")
    seeds = [read_job(frame.file)["reroll_regions"][0]["region_seed"] for frame in made.frames]
    assert seeds[0] == seeds[1]


def test_undo_takes_no_shot_away_and_saving_elsewhere_brings_it_along(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    bpy.ops.ed.undo_push(message="before")
    scripting.generate_range("1-2")
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert [entry.name for entry in scene.mixdiff.history] == ["walk-0001"]


def test_a_shot_of_a_file_that_was_never_saved_comes_along_when_it_is(
    camera: Any, scene: Any, tmp_path: Path
) -> None:
    add_region("house", "a house")
    made = scripting.generate_range("1-2")
    assert all(frame.file.exists() for frame in made.frames)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "late.blend"))
    (entry,) = scene.mixdiff.history
    assert entry.file.startswith("//")
    assert names(tmp_path / "mixdiff/late-0001") == ["untitled-0001.png", "untitled-0002.png"]
    assert Path(file_of(scene.mixdiff.result)).is_relative_to(tmp_path)
    assert history.record_of(entry).there == [1, 2]


def test_removing_a_shot_with_its_files_takes_them_all(
    moving: Any, scene: Any, tmp_path: Path
) -> None:
    scripting.generate_range("1-3:2")
    history.remove(scene, 0, with_file=True)
    assert not scene.mixdiff.history
    assert not (tmp_path / "mixdiff/walk-0001").exists()


def test_a_frame_that_is_loaded_brings_its_shot(moving: Any, scene: Any, tmp_path: Path) -> None:
    made = scripting.generate_range("1-2")
    history.remove(scene, 0)
    bpy.ops.mixdiff.load_picture(filepath=str(made.frames[1].file))
    (entry,) = scene.mixdiff.history
    assert entry.shot == "walk-####.png"
    assert scene.mixdiff.result.source == "SEQUENCE"


def test_a_note_that_somebody_else_wrote_is_no_shot(moving: Any, scene: Any) -> None:
    scripting.generate_range("1-2")
    entry = scene.mixdiff.history[0]
    note = history.record_of(entry).path
    good = json.loads(note.read_text())
    for wrong in ({"pattern": "../x-####.png"}, {"frames": "9"}, {"seed": []}, {"views": 3}):
        note.write_text(json.dumps({**good, **wrong}))
        record = history.record_of(entry)
        assert record is None or wrong == {"frames": "9"}
    note.write_text("[")
    assert history.record_of(entry) is None
    assert not bpy.ops.mixdiff.resume_shot.poll()


def test_the_command_line_takes_up_where_it_was_and_says_which_frames_are_new(
    moving: Any, tmp_path: Path, capsys: Any
) -> None:
    words = ["generate", "--frame", "1-5", "--step", "2", "-o", f"{tmp_path}/out/", "--quiet"]
    assert cli_main([*words, "--seed", "7"]) == 0
    assert names(tmp_path / "out") == [f"walk-000{n}.png" for n in (1, 3, 5)]
    (tmp_path / "out/walk-0003.png").unlink()
    capsys.readouterr()
    assert cli_main([*words, "--seed", "7", "--resume", "--json"]) == 0
    said = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("{"))
    pictures = json.loads(said)["pictures"]
    assert [(p["frame"], p["is_new"]) for p in pictures] == [(1, False), (3, True), (5, False)]
    assert {p["seed"] for p in pictures} == {7}
    assert cli_main(["generate", "--frame", "5-1"]) == 2
    assert cli_main(["generate", "--frame", "1-2", "--step", "0"]) == 2
    assert cli_main(["generate", "--frame", "1-2", "-o", f"{tmp_path}/one.png"]) == 2
