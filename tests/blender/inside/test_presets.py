"""Presets in a scene, and what its model knows beside the prompts that are typed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from addon import (
    EngineError,
    draw_hint,
    draw_presets,
    facts_of_model,
    hint_of,
    model_settings,
    presets,
    scripting,
    sources,
    suggested,
)
from scenes import add_annotations, add_camera, add_region, empty_scene

HOSTS = "oldest and newest"

TURBO = "stabilityai/sd-turbo"
SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.fixture(autouse=True)
def _no_own_presets() -> Iterator[None]:
    shutil.rmtree(presets.own_folder(), ignore_errors=True)
    presets.look_again()
    yield
    shutil.rmtree(presets.own_folder(), ignore_errors=True)
    presets.look_again()


@pytest.fixture
def scene() -> Any:
    """A scene as a person first has it, with the model in the box and two text regions."""
    scene = empty_scene()
    for name in ("model", "settings_of", "num_inference_steps", "guidance_scale"):
        scene.mixdiff.property_unset(name)
    add_camera(scene)
    add_region("wall", "bricks", size=(2, 2), at=(-1, 0, 0))
    add_region("road", "moss", size=(2, 2), at=(1, 0, 0))
    return scene


def written(folder: Path, name: str = "Mine", **keys: Any) -> Path:
    path = folder / "shared.json"
    path.write_text(json.dumps({"mixdiff_preset": 1, "name": name, **keys}))
    return path


def settings(scene: Any) -> tuple[Any, ...]:
    """Return all that a preset may set."""
    canvas = scene.mixdiff
    guided = (canvas, *(source.settings for source in sources(scene)))
    guidance = tuple(round(owner.guidance_scale, 3) for owner in guided)
    return (
        *(canvas.prompt, canvas.negative_prompt, canvas.model, canvas.settings_of),
        *(canvas.scheduler, canvas.num_inference_steps, guidance),
    )


def test_a_preset_sets_the_style_and_leaves_the_rest(scene: Any) -> None:
    scene.mixdiff.background_prompt, scene.mixdiff.seed = "a town", 7
    scene.mixdiff.num_inference_steps = 9
    before = settings(scene)
    assert bpy.ops.mixdiff.use_preset(preset="Watercolour") == {"FINISHED"}
    assert "watercolour" in scene.mixdiff.prompt
    assert settings(scene)[2:] == before[2:]
    assert (scene.mixdiff.background_prompt, scene.mixdiff.seed) == ("a town", 7)
    assert {r["prompt"] for r in scripting.job()["regions"]} == {
        f"{thing}, {scene.mixdiff.prompt}" for thing in ("bricks", "moss")
    }


def test_a_preset_with_a_model_brings_what_suits_it(scene: Any, tmp_path: Path) -> None:
    scripting.use_preset(str(written(tmp_path, model=TURBO)))
    assert settings(scene)[2:] == (TURBO, TURBO, "own", 4, (1.0, 1.0, 1.0))
    assert not model_settings.has_own_settings(scene)
    scripting.use_preset(str(written(tmp_path, num_inference_steps=2, guidance_scale=1.5)))
    scene.mixdiff.model = SD15
    assert settings(scene)[2:] == (SD15, SD15, "own", 2, (1.5, 1.5, 1.5))


def test_choosing_a_preset_is_one_undo_and_one_redo(scene: Any) -> None:
    bpy.ops.ed.undo_push(message="before")
    before = settings(scene)
    bpy.ops.mixdiff.use_preset(preset="Photograph")
    bpy.ops.ed.undo_push(message="preset")
    after = settings(scene)
    bpy.ops.ed.undo()
    assert settings(bpy.context.scene) == before != after
    bpy.ops.ed.redo()
    assert settings(bpy.context.scene) == after
    bpy.ops.mixdiff.use_preset(preset="Photograph")
    assert settings(bpy.context.scene) == after


def test_what_is_saved_is_the_same_again_in_another_scene(scene: Any) -> None:
    scene.mixdiff.model, scene.mixdiff.scheduler = TURBO, "lcm"
    scene.mixdiff.prompt, scene.mixdiff.negative_prompt = "{prompt} at dusk", "text"
    for owner in (scene.mixdiff, *(source.settings for source in sources(scene))):
        owner.guidance_scale = 1.3
    assert bpy.ops.mixdiff.save_preset(preset="Dusk") == {"FINISHED"}
    saved = settings(scene)
    other = bpy.data.scenes.new("Other")
    layer = add_annotations(other, "sky")
    assert layer is not None
    bpy.context.window.scene = other
    add_region("roof", "tiles")
    other.mixdiff.num_inference_steps = 50
    scripting.use_preset("Dusk", other)
    assert settings(other)[:-1] == saved[:-1]
    assert settings(other)[-1] == (1.3, 1.3)


def test_a_preset_without_model_holds_words_alone(scene: Any) -> None:
    scene.mixdiff.model, scene.mixdiff.prompt = TURBO, "ink"
    path = scripting.save_preset("Words", with_model=False)
    assert json.loads(path.read_text()) == {
        **{"mixdiff_preset": 1, "name": "Words", "prompt": "ink", "negative_prompt": ""}
    }
    assert path.is_relative_to(presets.own_folder())


def test_regions_that_differ_leave_the_guidance_out(scene: Any) -> None:
    scene.objects["wall"].mixdiff.guidance_scale = 9
    document = json.loads(scripting.save_preset("Mixed").read_text())
    assert "guidance_scale" not in document
    assert document["num_inference_steps"] == facts_of_model("bundled").num_inference_steps


def test_a_name_is_replaced_when_that_is_asked_for(scene: Any) -> None:
    scene.mixdiff.prompt = "first"
    first = scripting.save_preset("Mine")
    scene.mixdiff.prompt = "second"
    with pytest.raises(RuntimeError, match="there is a preset 'Mine' already; choose another"):
        bpy.ops.mixdiff.save_preset(preset="Mine")
    assert json.loads(first.read_text())["prompt"] == "first"
    bpy.ops.mixdiff.save_preset(preset=" Mine ", replace=True)
    assert json.loads(first.read_text())["prompt"] == "second"
    with pytest.raises(EngineError, match="name: the text is empty"):
        scripting.save_preset(" ")


def test_names_that_make_one_file_name_are_two_presets(scene: Any) -> None:
    names = ["A/B", "a b", "..", "con", "Ü" * 80]
    paths = [scripting.save_preset(name) for name in names]
    assert len(set(paths)) == len(names)
    assert {path.parent for path in paths} == {presets.own_folder()}
    assert set(names) <= set(scripting.presets())


def test_own_presets_alone_can_be_removed(scene: Any) -> None:
    path = scripting.save_preset("Mine")
    bpy.ops.mixdiff.remove_preset(preset="Mine")
    assert not path.exists()
    assert "Mine" not in scripting.presets()
    with pytest.raises(RuntimeError, match="'Watercolour' comes with MixDiff"):
        bpy.ops.mixdiff.remove_preset(preset="Watercolour")


def test_one_of_ones_own_takes_the_place_of_its_namesake(scene: Any) -> None:
    scene.mixdiff.prompt = "mine"
    scripting.save_preset("Watercolour", replace=True)
    scripting.use_preset("Watercolour")
    assert scene.mixdiff.prompt == "mine"
    bpy.ops.mixdiff.remove_preset(preset="Watercolour")
    scripting.use_preset("Watercolour")
    assert "watercolour" in scene.mixdiff.prompt


def test_an_exported_preset_comes_in_again_once(scene: Any, tmp_path: Path) -> None:
    scene.mixdiff.prompt = "mine"
    scripting.save_preset("Mine", with_model=False)
    bpy.ops.mixdiff.export_preset(preset="Mine", filepath=str(tmp_path / "out"))
    names = scripting.presets()
    scene.mixdiff.prompt = ""
    for _ in range(2):
        bpy.ops.mixdiff.import_preset(filepath=str(tmp_path / "out.json"))
    assert scripting.presets() == names
    assert scene.mixdiff.prompt == "mine"


def test_an_imported_name_that_is_taken_gets_a_number(scene: Any, tmp_path: Path) -> None:
    path = written(tmp_path, name="Watercolour", prompt="theirs", author="them")
    for _ in range(2):
        bpy.ops.mixdiff.import_preset(filepath=str(path))
    assert [name for name in scripting.presets() if name.startswith("Water")] == [
        *("Watercolour", "Watercolour 2")
    ]
    assert scene.mixdiff.prompt == "theirs"
    kept = json.loads(next(presets.own_folder().glob("*.json")).read_text())
    assert (kept["name"], kept["author"]) == ("Watercolour 2", "them")


def test_a_wrong_file_changes_nothing_and_says_its_key(scene: Any, tmp_path: Path) -> None:
    path = written(tmp_path, prompt="theirs", guidance_scale=-1)
    before = settings(scene), scripting.presets()
    for call in (
        lambda: bpy.ops.mixdiff.import_preset(filepath=str(path)),
        lambda: bpy.ops.mixdiff.use_preset(preset=str(path)),
        lambda: scripting.job(preset=str(path)),
    ):
        with pytest.raises((RuntimeError, EngineError), match="guidance_scale: -1 is negative"):
            call()
    with pytest.raises(EngineError, match="the nearest is 'Watercolour'"):
        scripting.use_preset("Watercolor")
    assert (settings(scene), scripting.presets()) == before


def test_a_broken_file_hides_no_other_and_is_said(scene: Any) -> None:
    presets.own_folder().mkdir(parents=True)
    (presets.own_folder() / "broken.json").write_text("{")
    presets.look_again()
    known = presets.known_presets()
    assert "Watercolour" in known.by_name
    assert [fault.split(":")[0] for fault in known.faults] == ["broken.json"]


def test_unknown_keys_are_told(scene: Any, tmp_path: Path) -> None:
    path = written(tmp_path, steps=3)
    assert "'num_inference_steps'" in scripting.use_preset(str(path))[0]


def test_a_preset_for_one_call_leaves_the_scene_as_it_was(scene: Any, tmp_path: Path) -> None:
    path = written(
        tmp_path, prompt="ink", negative_prompt="text", model=TURBO, scheduler="lcm",
        num_inference_steps=3, guidance_scale=1.2,
    )  # fmt: skip
    scene.objects["wall"].mixdiff.guidance_scale = 9
    scripting.regions()
    before, was_set = settings(scene), scene.mixdiff.is_property_set("prompt")
    job = scripting.job(preset=str(path))
    assert (job["model"], job["num_inference_steps"], job["scheduler"]) == (TURBO, 3, "lcm")
    assert (job["negative_prompt"], job["regions"][0]["prompt"]) == ("text", "bricks, ink")
    assert [region["guidance_scale"] for region in job["regions"]] == [1.2, 1.2]
    assert scripting.job(preset=str(path), steps=5)["num_inference_steps"] == 5
    assert settings(scene) == before
    assert scene.mixdiff.is_property_set("prompt") == was_set


class Layout:
    """Stands in for Blender's, and notes the texts that are drawn."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def row(self, **_: Any) -> "Layout":
        return self

    column = row

    def label(self, *_: Any, text: str, **__: Any) -> SimpleNamespace:
        self.texts.append(text)
        return SimpleNamespace()

    menu = operator = label


def test_the_menu_names_the_preset_that_is_used(scene: Any) -> None:
    layout = Layout()
    draw_presets(layout, bpy.context)
    scripting.use_preset("Synthwave")
    draw_presets(layout, bpy.context)
    scene.mixdiff.prompt += ", mine"
    draw_presets(layout, bpy.context)
    assert [text for text in layout.texts if text] == [
        "Style Presets",
        "Synthwave",
        "Style Presets",
    ]


def test_a_prompt_without_a_known_name_gets_a_hint(scene: Any) -> None:
    assert hint_of(scene, "old brick wall") == ""
    assert hint_of(scene, "  ") == ""
    assert hint_of(scene, "a gras").endswith("close to it: grass, grassy field")
    assert "names, such as brick wall, " in hint_of(scene, "a robot")
    assert hint_of(scene, "dark red", "style") == ""
    assert "The style names nothing" in hint_of(scene, "xylophone", "style")


def test_the_hint_shows_the_way_to_other_models(scene: Any) -> None:
    layout = Layout()
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1))
    region = SimpleNamespace(width=900)
    context = SimpleNamespace(scene=scene, preferences=preferences, region=region)
    draw_hint(layout, context, "brick wall")
    assert layout.texts == []
    draw_hint(layout, context, "a robot")
    assert layout.texts[0].startswith("The prompt names nothing that the model knows")
    assert layout.texts[-1] == "Other Models"


def test_no_hint_for_a_model_that_does_not_say_what_it_knows(scene: Any) -> None:
    scene.mixdiff.model = SD15
    assert hint_of(scene, "a robot") == hint_of(scene, "xylophone", "style") == ""
    assert list(suggested(scene, "a robot")) == ["a robot"]


def test_names_are_suggested_where_prompts_are_typed(scene: Any) -> None:
    assert list(suggested(scene, "old bri"))[:2] == ["old brick wall", "old bricks"]
    assert "turquoise" in list(suggested(scene, "tur"))
    scene.objects["road"].mixdiff.prompt = "xenon lamp"
    assert list(suggested(scene, "old xe")) == ["old xenon lamp"]
    assert list(suggested(scene, "qqq")) == ["qqq"]
    for owner, name in (
        (scene.mixdiff, "prompt"),
        (scene.mixdiff, "background_prompt"),
        (scene.objects["wall"].mixdiff, "prompt"),
    ):
        keywords = type(owner).__annotations__[name].keywords
        assert next(iter(keywords["search"](owner, bpy.context, "old lav"))) == "old lava"
        assert keywords["search_options"] == {"SUGGESTION"}
        setattr(owner, name, "something else")
        assert getattr(owner, name) == "something else"
