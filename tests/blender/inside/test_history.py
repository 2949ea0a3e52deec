"""Results one after the other: kept with their jobs, shown again, varied, saved and moved."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    Generating,
    batch,
    context_of,
    folders,
    generation,
    history,
    png_of,
    pump,
    queue,
    read_job,
    session,
    wait,
)
from scenes import file_of, in_blender

HOSTS = "oldest and newest"

SEED = 7178915308
SAVED = Path(__file__).parents[2] / "data/saved-0.1.0/picture.png"


def settings() -> Any:
    return bpy.context.scene.mixdiff


def files() -> list[str]:
    return [entry.file for entry in settings().history]


def are_there() -> list[bool]:
    return [history.path_of(entry).is_file() for entry in settings().history]


def shown() -> Any:
    return in_blender(settings().result)


def save(path: Path, **options: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), **options)


@pytest.fixture
def made(street: Any) -> Any:
    """The first picture of a file that was never saved."""
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mixdiff.generate()
    return shown()


@pytest.fixture
def project(street: Any, tmp_path: Path) -> Path:
    """The folder of a saved file with three pictures, of which the first has another seed."""
    bpy.ops.mixdiff.generate()
    street.mixdiff.seed = 11
    bpy.ops.mixdiff.generate()
    save(tmp_path / "project" / "street.blend")
    bpy.ops.mixdiff.generate()
    return tmp_path / "project"


# --- Files --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("made")
def test_a_file_that_was_never_saved_packs_its_picture() -> None:
    assert folders.is_unsaved(history.path_of(settings().history[0]))
    assert settings().result.packed_file is not None


def test_undo_takes_back_what_was_done_but_not_the_picture(made: Any) -> None:
    bpy.data.objects["left"].location.x += 1
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    assert bpy.data.objects["left"].location.x == -0.75
    assert len(settings().history) == 1
    assert np.array_equal(shown(), made)


def test_saving_brings_every_picture_beside_the_file(project: Path) -> None:
    names = [f"//mixdiff/street-000{number}.png" for number in (1, 2, 3)]
    assert files() == names
    assert settings().result.filepath == names[-1]
    assert are_there() == [True] * 3
    assert [entry.seed for entry in settings().history] == [SEED, 11, 11]
    # What each was painted from is found from its new place.
    for entry in settings().history:
        path, job = history.path_of(entry), json.loads(entry.job)
        assert (path.parent / job["model"] / "unet").is_dir()
        assert read_job(path) == job


@pytest.mark.usefixtures("made")
def test_a_copy_leaves_pictures_where_they_are(tmp_path: Path) -> None:
    save(tmp_path / "copy.blend", copy=True)
    assert are_there() == [True]
    assert folders.is_unsaved(history.path_of(settings().history[0]))


def test_paths_survive_other_names_and_a_move(project: Path) -> None:
    save(project.parent / "elsewhere.blend")
    assert files()[0] == "//project/mixdiff/street-0001.png"
    save(project / "street.blend")
    assert files()[0] == "//mixdiff/street-0001.png"
    moved = project.with_name("moved")
    shutil.move(project, moved)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "street.blend"))
    assert are_there() == [True] * 3
    settings().result.reload()
    assert len(settings().result.pixels) > 0


def test_a_result_finds_its_scene_in_a_file_opened_again(project: Path) -> None:
    bpy.ops.wm.save_mainfile()
    generation.begin(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
    bpy.ops.wm.open_mainfile(filepath=str(project / "street.blend"))
    before = len(settings().history)
    wait()
    assert len(settings().history) == before + 1
    assert file_of(settings().result) == str(history.path_of(settings().history[-1]))


def test_no_two_pictures_get_one_name(project: Path) -> None:
    one, two = (folders.next_image_path(bpy.context.scene) for _ in range(2))
    assert one.name != two.name
    folders.release(one)
    folders.release(two)


def test_pictures_go_into_the_chosen_folder_and_a_bad_one_is_said(project: Path) -> None:
    (project / "a file").write_text("")
    settings().output_folder = str(project / "a file" / "below")
    with pytest.raises(
        RuntimeError, match=r"cannot be written: Not a directory; choose another folder"
    ):
        bpy.ops.mixdiff.generate()
    settings().output_folder = "//pictures"
    bpy.ops.mixdiff.generate()
    assert files()[-1] == settings().result.filepath == "//pictures/street-0001.png"


@pytest.mark.usefixtures("made")
def test_another_file_knows_nothing_of_the_last_ones_report() -> None:
    assert generation.last_report(bpy.context.scene) is not None
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert generation.last_report(bpy.context.scene) is None


# --- Looking back -------------------------------------------------------------------------------


def test_an_earlier_result_is_shown_again_in_the_same_image(made: Any) -> None:
    settings().seed = 11
    bpy.ops.mixdiff.generate()
    datablock, last = settings().result, shown()
    assert not np.array_equal(last, made)
    settings().active_history = 0
    assert np.array_equal(shown(), made)
    assert settings().result == datablock
    assert settings().result_seed == str(SEED)
    bpy.ops.mixdiff.browse_history(direction="NEXT")
    assert settings().active_history == 1
    bpy.ops.mixdiff.browse_history(direction="PREVIOUS")
    assert np.array_equal(shown(), made)


@pytest.mark.usefixtures("project")
def test_one_key_shows_the_result_before_and_this_one_again() -> None:
    settings().show_result = False
    shown_after = []
    for _ in range(3):
        bpy.ops.mixdiff.compare_results()
        shown_after.append(settings().active_history)
    assert shown_after == [1, 2, 1]
    assert settings().show_result
    # Whatever is chosen meanwhile, it is compared with the one before it.
    settings().active_history = 2
    bpy.ops.mixdiff.compare_results()
    assert settings().active_history == 1
    settings().active_history = 0
    assert bpy.ops.mixdiff.compare_results() == {"CANCELLED"}
    bpy.ops.mixdiff.remove_result()
    bpy.ops.mixdiff.remove_result()
    with pytest.raises(RuntimeError, match="no two results yet"):
        bpy.ops.mixdiff.compare_results()


@pytest.mark.usefixtures("project")
def test_a_result_is_kept_once_as_an_image_of_its_own() -> None:
    settings().active_history = 0
    first, before = shown(), len(bpy.data.images)
    bpy.ops.mixdiff.keep_image()
    bpy.ops.mixdiff.keep_image()
    assert len(bpy.data.images) == before + 1
    kept = next(image for image in bpy.data.images if image.name.startswith("street-0001"))
    settings().active_history = 2
    assert np.array_equal(in_blender(kept), first)
    assert kept.filepath == "//mixdiff/street-0001.png"


@pytest.mark.usefixtures("made")
def test_settings_and_seed_come_back_whatever_has_changed() -> None:
    left = bpy.data.objects["left"].mixdiff
    left.prompt, left.guidance_scale, left.enabled = "something else", 2.0, False
    found = settings()
    found.num_inference_steps, found.seed, found.scheduler = 7, None, "ddim"
    bpy.data.objects.remove(bpy.data.objects["right"])
    bpy.ops.mixdiff.use_settings()
    assert (left.prompt, left.guidance_scale, left.enabled) == ("a brick wall", 7.5, True)
    assert (found.num_inference_steps, found.seed, found.scheduler) == (2, SEED, "own")
    assert left.region_seed is None  # it made no difference to the picture


@pytest.mark.usefixtures("made")
def test_a_picture_without_names_brings_back_the_canvas() -> None:
    settings().history[0].settings = ""
    settings().model, settings().num_inference_steps = "bundled", 9
    bpy.ops.mixdiff.use_settings()
    assert settings().model.endswith("tiny-sd")
    assert settings().num_inference_steps == 2


@pytest.mark.parametrize(("prompt", "guidance"), [("grass", 1.3), ("", 9.0)])
def test_the_background_of_a_picture_without_names_brings_its_guidance(
    prompt: str, guidance: float, street: Any
) -> None:
    street.objects["left"].scale.x = 0.5
    street.mixdiff.background, street.mixdiff.background_prompt = True, prompt
    street.mixdiff.guidance_scale = 1.3
    bpy.ops.mixdiff.generate()
    settings().history[0].settings, settings().guidance_scale = "", 9
    bpy.ops.mixdiff.use_settings()
    assert round(settings().guidance_scale, 4) == guidance


@pytest.mark.usefixtures("made")
def test_a_copied_scene_has_a_picture_of_its_own(street: Any) -> None:
    street.mixdiff.seed = 11
    bpy.ops.mixdiff.generate()
    last, copied, entry = shown(), street.copy(), settings().history[0]
    context = context_of(entry)
    history.add(copied, history.path_of(entry), json.loads(entry.job), context)
    assert copied.mixdiff.result != settings().result
    assert np.array_equal(shown(), last)


@pytest.mark.usefixtures("project")
def test_a_picture_brings_its_own_job(tmp_path: Path) -> None:
    source, before = history.path_of(settings().history[0]), files()
    assert read_job(source)["seed"] == SEED
    bpy.ops.mixdiff.load_picture(filepath=str(source))
    assert files() == before
    plain = tmp_path / "plain.png"
    bpy.data.images.new("plain", 8, 8).save(filepath=str(plain))
    with pytest.raises(RuntimeError, match="holds no job; choose a PNG"):
        bpy.ops.mixdiff.load_picture(filepath=str(plain))


@pytest.mark.usefixtures("scene")
def test_a_picture_of_0_1_0_comes_into_the_history(tmp_path: Path) -> None:
    saved = Path(shutil.copy(SAVED, tmp_path / "0.1.0.png"))
    bpy.ops.mixdiff.load_picture(filepath=str(saved))
    (entry,) = settings().history
    assert (entry.seed, len(json.loads(entry.job)["regions"])) == (2**64 - 1, 3)
    bpy.ops.mixdiff.use_settings()
    found = settings()
    assert (found.num_inference_steps, found.scheduler, found.seed) == (3, "ddim", 2**64 - 1)


@pytest.mark.usefixtures("project")
def test_removing_leaves_the_file_unless_told_otherwise() -> None:
    last = history.path_of(settings().history[2])
    settings().active_history = 2
    bpy.ops.mixdiff.remove_result()
    assert (len(files()), last.is_file(), settings().active_history) == (2, True, 1)
    bpy.ops.mixdiff.load_picture(filepath=str(last))
    assert len(files()) == 3
    bpy.ops.mixdiff.remove_result(with_file=True)
    assert (len(files()), last.is_file()) == (2, False)


@pytest.mark.parametrize("kind", ["a text", "another picture", "a result elsewhere", "a link"])
def test_only_pictures_of_our_own_making_are_deleted(
    kind: str, project: Path, tmp_path: Path
) -> None:
    entry, mine = settings().history[1], history.path_of(settings().history[1])
    victim = tmp_path / "elsewhere.png" if kind != "another picture" else project / "photo.png"
    if kind == "a text":
        victim.write_text("a diary")
    elif kind == "another picture":
        victim.write_bytes(png_of(np.zeros((4, 4, 3), np.uint8)))
    else:
        shutil.copy(mine, victim)
    if kind == "a link":
        (project / "link.png").symlink_to(victim)
        entry.file = "//link.png"
    else:
        entry.file = str(victim)
    settings().active_history = 1
    with pytest.raises(RuntimeError, match="not this picture of MixDiff in the scene's folder"):
        bpy.ops.mixdiff.remove_result(with_file=True)
    assert victim.is_file()
    assert len(files()) == 3
    bpy.ops.mixdiff.remove_result()
    assert len(files()) == 2


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("renders", "project/renders"),
        ("//renders\\mine", "project/renders/mine"),
        ("~/pictures", "home/pictures"),
        ("", "project"),
        ("~nobody-here/x", "project/~nobody-here/x"),
    ],
)
def test_a_folder_is_understood_as_people_write_it(
    folder: str, place: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings().output_folder = folder
    made = folders.next_image_path(bpy.context.scene)
    assert made.parent == tmp_path / place
    folders.release(made)
    settings().history[1].file = folder + "\\x.png" if "\\" in folder else f"{folder}/x.png"
    if folder:
        assert history.path_of(settings().history[1]) == tmp_path / place / "x.png"


# --- Variations and batches ---------------------------------------------------------------------


def cancel_when_done() -> None:
    """Cancel a job whose answer is there, though nobody has looked."""
    while not isinstance(session.state, Generating):
        pump.run(wait_s=0.01)
    time.sleep(2)
    queue.cancel()
    wait()


def test_what_only_blender_had_is_kept_beside_the_result_and_varied_from_there(
    street: Any, tmp_path: Path
) -> None:
    save(tmp_path / "batch.blend")
    region = bpy.data.objects["right"].mixdiff
    region.type, region.reference_image = "image2image", bpy.data.images.new("photo", 16, 16)
    bpy.ops.mixdiff.generate()
    origin = shown()
    beside = json.loads(settings().history[0].job)["regions"][1]["reference_image"]
    assert beside.startswith("sources/")
    assert (tmp_path / "mixdiff" / beside).is_file()
    shutil.rmtree(folders.session_folder(), ignore_errors=True)

    # A variation starts anew where a region is selected.
    for obj in bpy.data.objects:
        obj.select_set(obj.name == "left")
    bpy.ops.mixdiff.vary(mode="reset")
    bpy.ops.mixdiff.vary(mode="reset")
    bpy.ops.mixdiff.vary(mode="epsilon", noise_eps=0.1)
    rerolls = [
        [
            (r["reroll_mode"], r["noise_eps"], r["col_init"], r["col_end"])
            for r in json.loads(entry.job)["reroll_regions"]
        ]
        for entry in settings().history
    ]
    reset, slightly = ("reset", 0.0, 0, 80), ("epsilon", 0.1, 0, 80)
    assert rerolls == [[], [reset], [reset], [reset, slightly]]
    assert len({entry.seed_digits for entry in settings().history}) == 1
    assert not np.array_equal(shown(), origin)


def test_a_batch_counts_its_seeds_up(street: Any) -> None:
    street.mixdiff.seed = 2**64 - 2
    bpy.ops.mixdiff.generate_batch(count=3)
    assert [entry.seed for entry in street.mixdiff.history] == [2**64 - 2, 2**64 - 1, 0]


def test_a_batch_that_is_cancelled_at_the_end_of_a_picture_ends_with_it(street: Any) -> None:
    bpy.ops.mixdiff.generate()  # the engine is there
    batch.begin(street, bpy.context.evaluated_depsgraph_get(), 3)
    cancel_when_done()
    assert len(street.mixdiff.history) == 2
    assert not queue.is_busy


def test_a_cancelled_batch_ends_and_leaves_nothing(street: Any, tmp_path: Path) -> None:
    save(tmp_path / "batch.blend")
    street.mixdiff.num_inference_steps, street.mixdiff.scheduler = 300, "ddim"
    batch.begin(street, bpy.context.evaluated_depsgraph_get(), 3)
    assert len(queue.waiting) == 2
    queue.cancel()
    wait()
    assert files() == []
    assert len(queue.waiting) == 0
    assert [path for path in (tmp_path / "mixdiff").glob("*.png") if not path.stat().st_size] == []
