"""LoRAs in Blender: listed for a region and for all, keyframed, wrong ones named at the region."""

import hashlib
import json
from pathlib import Path
from typing import Any

import bpy
import lora_files
import numpy as np
import pytest
import scenes
from addon import cli_main, job_from_scene, png, scripting, snapshots
from scenes import file_of

HOSTS = "oldest and newest"


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A LoRA for the small model."""
    return lora_files.write_lora(tmp_path / "style.safetensors")


def job_of(scene: Any) -> Any:
    return job_from_scene(scene, bpy.context.evaluated_depsgraph_get())


def add_lora(settings: Any, path: Path | str, weight: float = 1.0) -> Any:
    line = settings.loras.add()
    line.lora, line.weight = str(path), weight
    return line


def test_the_lists_are_the_jobs(street: Any, style: Path) -> None:
    left = bpy.data.objects["left"]
    add_lora(street.mixdiff, style, 0.3)
    add_lora(left.mixdiff, "owner/name/file.safetensors", -0.5)
    add_lora(left.mixdiff, style)
    add_lora(left.mixdiff, "")
    job = job_of(street).job
    assert [(one.lora, one.weight) for one in job.loras] == [(str(style), 0.3)]
    first, second = job.text_regions
    assert [(one.lora, one.weight) for one in first.loras] == [
        ("owner/name/file.safetensors", -0.5),
        (str(style), 1.0),
    ]
    assert second.loras == ()


def test_a_weight_is_keyframed(street: Any, style: Path) -> None:
    region = bpy.data.objects["left"]
    for settings in (region.mixdiff, street.mixdiff):
        line = add_lora(settings, style)
        for frame, weight in ((1, 0.0), (11, 1.0)):
            line.weight = weight
            assert line.keyframe_insert("weight", frame=frame)
    found = []
    for frame in (1, 6, 11):
        street.frame_set(frame)
        job = job_of(street).job
        found.append((job.loras[0].weight, job.text_regions[0].loras[0].weight))
    assert found[0] == (0.0, 0.0)
    assert found[1] == (0.5, 0.5)
    assert found[2] == (1.0, 1.0)


def test_what_is_wrong_is_said_at_its_region(street: Any, style: Path, tmp_path: Path) -> None:
    left = bpy.data.objects["left"]
    line = add_lora(left.mixdiff, style)
    assert job_of(street).errors == ()
    pickle, broken = tmp_path / "old.ckpt", tmp_path / "broken.safetensors"
    pickle.write_bytes(b"\x80\x02")
    broken.write_bytes(style.read_bytes()[:-100])
    foreign = lora_files.write_foreign_lora(tmp_path / "theirs.safetensors")
    whole = scenes.TINY_SD / "unet" / "diffusion_pytorch_model.safetensors"
    for path, says in (
        (pickle, "old.ckpt is a pickle"),
        (broken, "is cut off"),
        (foreign, "theirs.safetensors is a LoRA for FLUX.1, and the model is Stable Diffusion 1"),
        (tmp_path / "gone.safetensors", "there is no file"),
        (whole, "no LoRA"),
        ("owner/name", "owner/name is not on this computer"),
    ):
        line.lora = str(path)
        read = job_of(street)
        (problem,) = read.errors
        assert says in problem.message, problem
        assert problem.region == left.name
        assert read.problems_of(left.mixdiff.uid) == (problem,)


def test_a_regions_lora_changes_that_region_and_the_picture_repeats_itself(
    street: Any, style: Path, tmp_path: Path
) -> None:
    left, right = bpy.data.objects["left"], bpy.data.objects["right"]
    for region, place in ((left, -1), (right, 1)):
        region.location.x, region.scale.x = place, 2
        region.mixdiff.mask_type, region.mixdiff.shape = "constant", "rectangle"
    scenes.update()
    plain = scenes.pixels(Path(file_of(scripting.generate(street).image)))
    add_lora(left.mixdiff, style)
    made = Path(file_of(scripting.generate(street).image))
    changed = scenes.pixels(made)
    middle = changed.shape[1] // 2
    difference = np.abs(changed - plain)[..., :3].mean((0, 2))
    # The decoder's statistics are the whole picture's.
    assert difference[: middle - 16].mean() > 2 * difference[middle + 16 :].mean() > 0
    (noted,) = png.read_job(made)["regions"][0]["loras"]
    assert noted["sha256"] == hashlib.sha256(style.read_bytes()).hexdigest()
    assert (made.parent / noted["lora"]).resolve() == style.resolve()

    taken = snapshots.snapshot(street)
    left.mixdiff.loras[0].weight = 0.2
    left.mixdiff.loras.add()
    snapshots.restore(street, json.loads(json.dumps(taken)))
    assert [(line.lora, line.weight) for line in left.mixdiff.loras] == [(str(style), 1.0)]
    repeated = scenes.pixels(Path(file_of(scripting.generate(street).image)))
    assert np.array_equal(repeated, changed)

    left.mixdiff.loras.clear()
    without = scenes.pixels(Path(file_of(scripting.generate(street).image)))
    assert np.array_equal(without, plain)


def test_a_part_made_again_takes_the_loras_of_now(street: Any, style: Path) -> None:
    left = bpy.data.objects["left"]
    first = scripting.generate(street)
    add_lora(left.mixdiff, style, 0.7)
    again = scripting.again(regions=[left.name], seed=first.seed)
    document = png.read_job(Path(file_of(again.image)))
    assert [one["weight"] for one in document["regions"][0]["loras"]] == [0.7]
    # The file is another one by now: it is made with that.
    lora_files.write_lora(style, seed=2)
    once_more = scripting.again(regions=[left.name], seed=first.seed)
    digest = png.read_job(Path(file_of(once_more.image)))["regions"][0]["loras"][0]["sha256"]
    assert digest == hashlib.sha256(style.read_bytes()).hexdigest()


def test_buttons_add_and_remove_lines(street: Any, style: Path) -> None:
    left = bpy.data.objects["left"]
    street.mixdiff.active_region = 0
    add = bpy.ops.mixdiff.add_lora
    assert add("EXEC_DEFAULT", of_region=True, filepath=str(style)) == {"FINISHED"}
    assert add("EXEC_DEFAULT", filepath=str(style)) == {"FINISHED"}
    assert bpy.ops.mixdiff.add_named_lora(of_region=True) == {"FINISHED"}
    assert [line.lora for line in left.mixdiff.loras] == [str(style), ""]
    assert [line.lora for line in street.mixdiff.loras] == [str(style)]
    assert bpy.ops.mixdiff.remove_lora(of_region=True, index=0) == {"FINISHED"}
    assert [line.lora for line in left.mixdiff.loras] == [""]
    assert len(street.mixdiff.loras) == 1


def test_a_script_and_the_command_line_add_loras_for_one_call(
    street: Any, style: Path, tmp_path: Path
) -> None:
    add_lora(street.mixdiff, style, 0.5)
    other = lora_files.write_lora(tmp_path / "other.safetensors", seed=2)
    document = scripting.job(street, loras=[f"{other}:0.25", (str(other), -1.0)])
    assert [(one["lora"], one["weight"]) for one in document["loras"]] == [
        (str(style), 0.5),
        (str(other), 0.25),
        (str(other), -1.0),
    ]
    goal = tmp_path / "job.json"
    words = ["export-job", "--lora", f"{other}:0.25", "--output", str(goal)]
    assert cli_main(words) == 0
    written = json.loads(goal.read_text())
    assert [one["weight"] for one in written["loras"]] == [0.5, 0.25]
    assert (tmp_path / written["loras"][1]["lora"]).resolve() == other.resolve()
    assert len(street.mixdiff.loras) == 1


def test_frames_that_are_there_stay_unless_a_lora_is_another_file(
    street: Any, style: Path, tmp_path: Path
) -> None:
    add_lora(bpy.data.objects["left"].mixdiff, style)
    output = str(tmp_path / "shot-####.png")
    assert [frame.is_new for frame in scripting.generate_range("1-2", output=output).frames] == [
        True,
        True,
    ]
    resumed = scripting.generate_range("1-2", output=output, resume=True)
    assert [frame.is_new for frame in resumed.frames] == [False, False]
    lora_files.write_lora(style, seed=2)
    resumed = scripting.generate_range("1-2", output=output, resume=True)
    assert [frame.is_new for frame in resumed.frames] == [True, True]
