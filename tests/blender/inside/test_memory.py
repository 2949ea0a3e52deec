"""What a picture takes of this computer's memory, said before it is made; what fits comes first."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
from addon import (
    ModelsMenu,
    draw_few_steps,
    draw_memory,
    folders,
    job_from_scene,
    machine,
    models,
    stop,
)
from scenes import update

HOSTS = "oldest and newest"
GIB = 2**30


class Layout:
    """Stands in for Blender's, and notes the texts and icons that are drawn."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.icons: set[str] = set()

    def row(self, **_: Any) -> "Layout":
        return self

    column = row

    def label(self, *_: Any, text: str = "", icon: str = "NONE", **__: Any) -> SimpleNamespace:
        self.texts.append(text)
        self.icons.add(icon)
        return SimpleNamespace()

    menu = operator = label

    def separator(self, **_: Any) -> None:
        pass


def card(gib: int, host_gib: int) -> dict[str, Any]:
    return {
        "kind": "cuda",
        "name": f"a card of {gib} GB",
        "dtype": "bfloat16",
        "free_bytes": (gib - 1) * GIB,
        "total_bytes": gib * GIB,
        "host_free_bytes": (host_gib - 8) * GIB,
        "host_total_bytes": host_gib * GIB,
    }


@pytest.fixture
def unmeasured() -> Iterator[None]:
    """No engine has said anything of its computer."""

    def forget() -> None:
        (folders.user_folder() / "machine.json").unlink(missing_ok=True)
        machine.known.cache_clear()
        models.look_again()

    forget()
    yield
    forget()


def line(scene: Any, model: str) -> str:
    """Return what the panel says of a scene's picture."""
    scene.mixdiff.model = model
    update()
    job = job_from_scene(scene, bpy.context.evaluated_depsgraph_get()).job
    layout = Layout()
    system = SimpleNamespace(ui_scale=1)
    context = SimpleNamespace(
        preferences=SimpleNamespace(system=system), region=SimpleNamespace(width=9000)
    )
    draw_memory(layout, context, job)
    return " ".join(layout.texts)


def measured_as(gib: int, host_gib: int) -> None:
    machine.note(card(gib, host_gib))
    models.look_again()


@pytest.mark.usefixtures("unmeasured")
def test_the_panel_says_what_a_picture_takes_and_what_that_costs(street: Any) -> None:
    street.render.resolution_x, street.render.resolution_y = 1024, 512
    assert line(street, "Tongyi-MAI/Z-Image") == ""
    measured_as(24, 64)
    assert line(street, "Tongyi-MAI/Z-Image").endswith("of 23.0 GB free")
    measured_as(8, 32)
    said = line(street, "Tongyi-MAI/Z-Image")
    assert said.startswith("Memory: ")
    assert "of 7.0 GB free; text encoder on the CPU, layer by layer (1 s a new prompt)" in said
    assert "slower" in said
    measured_as(8, 16)
    said = line(street, "Qwen/Qwen-Image")
    assert "GB at the least" in said
    assert "choose a model that fits: " in said
    assert line(street, "owner/unknown") == ""


@pytest.mark.usefixtures("unmeasured")
def test_the_list_begins_with_what_fits_and_says_where_it_ends(scene: Any) -> None:
    def drawn() -> list[str]:
        layout = Layout()
        ModelsMenu.draw(SimpleNamespace(layout=layout), bpy.context)
        return layout.texts

    headings = [
        "Fits This Computer",
        "Slower on This Computer",
        "Too Large for This Computer",
    ]
    before = drawn()
    assert not set(headings) & set(before)
    measured_as(8, 32)
    texts = drawn()
    assert [text for text in texts if text in headings] == headings
    first, second, third = (texts.index(heading) for heading in headings)
    fits, slower, too_large = texts[first:second], texts[second:third], texts[third:]
    assert any("Stable Diffusion XL base" in text for text in fits)
    assert any("Z-Image · Apache" in text for text in slower)
    assert any("FLUX.2 dev" in text and "not for commercial use" in text for text in too_large)
    assert set(before) <= set(texts)


def test_a_model_shows_the_way_to_its_kin_for_few_steps(scene: Any) -> None:
    layout = Layout()
    for name in ("Tongyi-MAI/Z-Image", "Tongyi-MAI/Z-Image-Turbo", "bundled", "mine"):
        draw_few_steps(layout, name)
    assert layout.texts == ["Faster: Z-Image Turbo, in nine steps"]


@pytest.mark.usefixtures("unmeasured")
def test_this_blender_has_all_icons(street: Any) -> None:
    parameters = bpy.types.UILayout.bl_rna.functions["label"].parameters
    known = {item.identifier for item in parameters["icon"].enum_items}
    assert {"MEMORY", "SORTTIME", "CANCEL", "CHECKMARK", "IMPORT"} <= known


@pytest.mark.usefixtures("unmeasured")
def test_an_engine_that_begins_says_what_this_computer_has(street: Any) -> None:
    assert machine.known() is None
    assert bpy.ops.mixdiff.look_at_computer() == {"FINISHED"}
    looked = machine.known()
    assert looked is not None
    assert looked.host_free_bytes > GIB
    (folders.user_folder() / "machine.json").unlink()
    machine.known.cache_clear()
    stop()
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    told = json.loads((folders.user_folder() / "machine.json").read_text())
    assert told["kind"] == looked.kind
    assert line(street, "").startswith("Memory: ")


@pytest.mark.usefixtures("unmeasured")
def test_a_damaged_note_of_the_computer_is_as_none(scene: Any) -> None:
    path = folders.user_folder() / "machine.json"
    for text in ("[", '{"kind": "cuda"}', "3"):
        path.write_text(text)
        machine.known.cache_clear()
        assert machine.known() is None
