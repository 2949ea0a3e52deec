"""A part of a result made anew: chosen regions, a lasso, a painted mask; the rest stays."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import EngineError, again, cli_main, folders, history, png_of, read_job, scripting
from scenes import pixels, select

HOSTS = "oldest and newest"


def settings() -> Any:
    return bpy.context.scene.mixdiff


def last() -> Path:
    path: Path = history.path_of(settings().history[-1])
    return path


def job() -> Any:
    return json.loads(settings().history[-1].job)


@pytest.fixture
def before(street: Any) -> Any:
    """The bytes of a first picture: `left` covers columns 0 to 80, `right` 48 to 128."""
    for name in ("left", "right"):
        bpy.data.objects[name].mixdiff.mask_type = "feather"
    bpy.ops.mixdiff.generate()
    return pixels(last())


def test_a_selected_object_is_made_again_and_the_rest_stays_the_same_bytes(before: Any) -> None:
    select(bpy.data.objects["right"])
    bpy.data.objects["right"].mixdiff.prompt = "a red house"
    assert bpy.ops.mixdiff.again() == {"FINISHED"}
    after = pixels(last())
    assert np.array_equal(after[:, :48], before[:, :48])
    assert (after[:, 88:] != before[:, 88:]).mean() > 0.2
    made = job()
    assert [region["prompt"] for region in made["regions"]] == ["a brick wall", "a red house"]
    assert made["kept"]["regions"] == ["right"]
    assert made["seed"] != 7178915308
    entry = settings().history[-1]
    assert entry.what == "right again"
    assert settings().active_history == 1
    # All that it needs lies beside it, and it makes itself again.
    assert (last().parent / made["kept"]["picture"]).is_file()
    assert read_job(last()) == made


def test_a_region_is_chosen_by_its_name_and_keeps_what_is_asked(before: Any) -> None:
    select()
    bpy.ops.mixdiff.again(region="left", seed_digits="12", strength=0.5)
    assert (job()["seed"], job()["kept"]["strength"]) == (12, 0.5)
    half = pixels(last())
    assert np.array_equal(half[:, 80:], before[:, 80:])
    settings().active_history = 0
    bpy.ops.mixdiff.again(region="left", seed_digits="12")
    whole = pixels(last())
    distances = [np.abs(one[:, :40] - before[:, :40]).mean() for one in (half, whole)]
    assert 0 < distances[0] < distances[1]


def test_a_lasso_is_made_again(before: Any) -> None:
    line = json.dumps([[0.1, 0.1], [0.5, 0.1], [0.5, 0.9], [0.1, 0.9]])
    bpy.ops.mixdiff.again_lasso(points=line, soft_px=8)
    after = pixels(last())
    assert np.array_equal(after[:, 70:], before[:, 70:])
    assert (after[16:48, 24:56] != before[16:48, 24:56]).mean() > 0.2
    assert settings().history[-1].what == "a part again"


def test_what_is_painted_over_the_picture_is_made_again(before: Any) -> None:
    bpy.ops.mixdiff.paint_mask()
    image = settings().change_mask
    assert tuple(image.size) == (128, 64)
    with pytest.raises(RuntimeError, match="nothing is painted on the mask"):
        bpy.ops.mixdiff.again_masked()
    values = np.empty(128 * 64 * 4, np.float32)
    image.pixels.foreach_get(values)
    shown = values.reshape(64, 128, 4)
    assert np.abs(shown[::-1, :, :3] - before[..., :3] / 510 - 0.25).max() < 0.01  # faded
    shown[8:56, 80:120] = 1  # rows from below
    image.pixels.foreach_set(shown.ravel())
    bpy.ops.mixdiff.again_masked()
    after = pixels(last())
    assert np.array_equal(after[:, :80], before[:, :80])
    assert np.array_equal(after[:8], before[:8])
    assert (after[24:40, 90:110] != before[24:40, 90:110]).mean() > 0.2
    # Painted over the first result, and now for the second: the same place.
    bpy.ops.mixdiff.again_masked()
    assert np.array_equal(pixels(last())[:, :80], before[:, :80])
    bpy.ops.mixdiff.paint_mask()  # begins anew over another result
    with pytest.raises(RuntimeError, match="nothing is painted on the mask"):
        bpy.ops.mixdiff.again_masked()


def test_undo_takes_back_what_was_done_but_not_what_was_made_again(before: Any) -> None:
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mixdiff.again(region="left")
    bpy.data.objects["left"].location.x += 1
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    assert [entry.what for entry in settings().history] == ["", "left again"]


def test_a_saved_file_takes_all_along_and_again_goes_on_from_there(
    before: Any, tmp_path: Path
) -> None:
    bpy.ops.mixdiff.again(region="right")
    assert folders.is_unsaved(last())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "project" / "street.blend"))
    assert not folders.is_unsaved(last())
    assert (last().parent / job()["kept"]["picture"]).is_file()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "project" / "street.blend"))
    bpy.ops.mixdiff.again(region="left")
    assert len(settings().history) == 3
    assert last().parent == tmp_path / "project" / "mixdiff"
    first_right, now = pixels(history.path_of(settings().history[1])), pixels(last())
    assert np.array_equal(first_right[:, 80:], now[:, 80:])


def test_scripts_and_the_command_line_make_a_region_or_a_mask_again(
    before: Any, tmp_path: Path
) -> None:
    made = scripting.again(["right"], prompt="a blue lake", seed=4, output=tmp_path / "out.png")
    assert (made.seed, made.file) == (4, tmp_path / "out.png")
    assert job()["regions"][1]["prompt"] == "a blue lake"
    assert np.array_equal(pixels(made.file)[:, :48], before[:, :48])
    mask = np.zeros((64, 128, 3), np.uint8)
    mask[:, 64:] = 255
    (tmp_path / "mask.png").write_bytes(png_of(mask))
    first = settings().history[0].name
    scripting.again(mask=tmp_path / "mask.png", result=first)
    assert np.array_equal(pixels(last())[:, :64], before[:, :64])
    words = ["again", "--region", "right", "--prompt", "a red lake", "--seed", "5", "--quiet"]
    assert cli_main([*words, "--result", first, "-o", str(tmp_path / "3.png")]) == 0
    assert (job()["regions"][1]["prompt"], job()["seed"]) == ("a red lake", 5)
    assert np.array_equal(pixels(tmp_path / "3.png")[:, :48], before[:, :48])
    with pytest.raises(EngineError, match="left"):
        scripting.again(["lefd"])
    (tmp_path / "mask.png").write_bytes(png_of(mask[:32]))
    with pytest.raises(EngineError, match="it has 128 × 32 pixels, the canvas 128 × 64"):
        scripting.again(mask=tmp_path / "mask.png")


@pytest.mark.usefixtures("before")
def test_what_cannot_be_made_again_says_why() -> None:
    select()
    with pytest.raises(RuntimeError, match="no region of this result is selected"):
        bpy.ops.mixdiff.again()
    with pytest.raises(RuntimeError, match="none of these is a region"):
        bpy.ops.mixdiff.again(region="nobody")
    with pytest.raises(RuntimeError, match="goes around nothing"):
        bpy.ops.mixdiff.again_lasso(points="[[2, 2], [3, 2], [3, 3]]")
    with pytest.raises(RuntimeError, match="is no line"):
        bpy.ops.mixdiff.again_lasso(points="nonsense")
    with pytest.raises(RuntimeError, match="is no seed"):
        bpy.ops.mixdiff.again(region="left", seed_digits="x")
    file = last()
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"a brick wall", b"a thick wall"))
    with pytest.raises(RuntimeError, match="is not the picture"):
        bpy.ops.mixdiff.again(region="left")
    file.unlink()
    with pytest.raises(RuntimeError, match="is not there any more"):
        bpy.ops.mixdiff.again(region="left")
    assert len(settings().history) == 1


@pytest.mark.usefixtures("before")
def test_what_was_made_again_is_not_varied_as_if_it_had_one_start() -> None:
    bpy.ops.mixdiff.again(region="left")
    with pytest.raises(RuntimeError, match="made again in parts"):
        bpy.ops.mixdiff.vary(mode="reset")


def test_before_any_result_it_says_what_is_missing(street: Any) -> None:
    with pytest.raises(RuntimeError, match="There is no result yet"):
        bpy.ops.mixdiff.again()


def test_the_time_is_that_of_the_windows_that_touch_the_part(street: Any) -> None:
    right = bpy.data.objects["right"]
    right.location.x, right.scale.x = 1.25, 1.5  # beside the other one
    bpy.ops.mixdiff.generate()
    entry = settings().history[0]
    both, left, right = (
        again.estimate(entry, names).seconds for names in ({"left", "right"}, {"left"}, {"right"})
    )
    assert right < left < both


def test_a_region_that_is_gone_from_the_scene_keeps_the_prompt_that_it_had(before: Any) -> None:
    bpy.data.objects.remove(bpy.data.objects["right"])
    bpy.ops.mixdiff.again(region="right")
    assert job()["regions"][1]["prompt"] == "green grass"
