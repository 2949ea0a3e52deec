"""What panel and overlay are made from, and that they hold nothing up."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest
from addon import (
    Frame,
    Generating,
    Job,
    Sheet,
    Stopped,
    annotations_of,
    draw_bars,
    draw_shapes,
    engine,
    generation,
    job_cache,
    job_from_scene,
    scripting,
    shapes_of,
    sync,
)
from scenes import add_annotations, add_region, update
from timing import median_ms

HOSTS = "oldest and newest"

FRAME = Frame(left=100, bottom=50, width=400, height=200)


def places() -> Any:
    made = job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
    return shapes_of(made.job, {}, made.own_weights)


def id_of(name: str) -> str:
    found: str = bpy.data.objects[name].mixdiff.uid
    return found


# --- The overlay --------------------------------------------------------------------------------


@pytest.fixture
def three(street: Any) -> Any:
    """The places of the street's regions, and of a reroll."""
    bpy.data.objects["right"].mixdiff.mask_weight = 0.5
    add_region("reroll", size=(1, 1)).mixdiff.type = "reroll"
    update()
    return places()


def test_what_is_drawn_is_what_is_sent(three: Any) -> None:
    assert [
        (p.id, p.label, p.left, p.right, p.bottom, p.top, p.falloff is None, p.weight)
        for p in three
    ] == [
        (id_of("left"), "left", 0, 0.625, 0, 1, False, 1),
        (id_of("right"), "right · 0.5", 0.375, 1, 0, 1, False, 0.5),
        (id_of("reroll"), "reroll · reroll", 0.375, 0.625, 0.25, 0.75, True, 0),
    ]
    assert len({place.colour for place in three}) == 3


def test_the_drawing_fills_the_frame_and_is_strongest_in_a_regions_middle(three: Any) -> None:
    sheet = Sheet()
    draw_shapes(sheet, three, FRAME, id_of("left"))
    triangles = sheet.triangles()
    points, colours = triangles.points, triangles.colours
    assert (triangles.corners.min(), triangles.corners.max()) == (0, len(points) - 1)
    assert [*points.min(axis=0), *points.max(axis=0)] == [100, 50, 0, 500, 250, 0]
    blue = (colours[:, :3] == np.float32(three[0].colour)).all(axis=1)
    tints = blue & (colours[:, 3] < 0.99)
    strongest = points[tints][colours[tints][:, 3].argmax()]
    assert strongest.tolist() == [100 + 0.625 * 400 / 2, 50 + 200 / 2, 0]
    assert Sheet().triangles() is None


@pytest.mark.usefixtures("three")
def test_a_region_that_the_engine_cuts_is_drawn_as_one(street: Any) -> None:
    street.mixdiff.tile_size = 64
    assert [(p.label, p.left, p.right) for p in places()[:2]] == [
        ("left", 0, 0.625),
        ("right · 0.5", 0.375, 1),
    ]
    assert scripting.job()["max_region_px"] == 64


@pytest.mark.parametrize("kind", ["gaussian", "constant", "quartic", "feather"])
def test_weights_fade_as_the_engines_masks_do(kind: str, street: Any) -> None:
    left = bpy.data.objects["left"].mixdiff
    left.mask_type, left.feather_px = kind, 16
    falloff = places()[0].falloff
    if kind == "constant":
        assert falloff is None
        return

    points = len(falloff)

    def weight(index: int, side_px: int) -> float:
        """Return the weight at one of the points along a side, as its own formula has it."""
        share = (index + 0.5) / points
        if kind == "gaussian":
            return math.exp(-((share - 0.5) ** 2) / (2 * 0.01))
        if kind == "quartic":
            return (1 - (0.995 * (2 * index / (points - 1) - 1)) ** 2) ** 2
        return 0.5 - 0.5 * math.cos(math.pi * min(1, share * side_px / 16))

    for index in range(points // 2 + 1):
        for along, side_px in ((falloff[points // 2], 80), (falloff[:, points // 2], 64)):
            assert along[index] == pytest.approx(weight(index, side_px))
            assert along[index] == pytest.approx(along[-1 - index])


# --- The list's operators -----------------------------------------------------------------------


class Listed:
    """The list of regions as a person works with it."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene

    @property
    def names(self) -> list[str]:
        return [region.name for region in scripting.regions()]

    def choose(self, name: str) -> None:
        self.scene.mixdiff.active_region = self.names.index(name)


@pytest.fixture
def listed(scene: Any, camera: Any) -> Listed:
    for name in ("one", "two", "three"):
        add_region(name, f"prompt of {name}")
    sync(scene)
    return Listed(scene)


def test_a_region_is_moved_up_to_the_first_place(listed: Listed) -> None:
    assert listed.names == ["one", "two", "three"]
    listed.choose("three")
    bpy.ops.mixdiff.move_region(direction="UP")
    assert listed.names == ["one", "three", "two"]
    assert listed.scene.mixdiff.active_region == 1
    listed.choose("one")
    assert bpy.ops.mixdiff.move_region(direction="UP") == {"CANCELLED"}


def test_a_region_is_copied_with_a_mesh_of_its_own_and_removed_with_its_object_kept(
    listed: Listed,
) -> None:
    listed.choose("two")
    bpy.ops.mixdiff.duplicate_region()
    copy = bpy.data.objects["two.001"]
    assert listed.names == ["one", "two", "two.001", "three"]
    assert copy.mixdiff.prompt == "prompt of two"
    assert copy.data != bpy.data.objects["two"].data
    assert bpy.context.view_layer.objects.active == copy
    bpy.ops.mixdiff.remove_region()
    assert listed.names == ["one", "two", "three"]
    assert bpy.data.objects["two.001"] == copy
    assert not copy.mixdiff.enabled


def test_a_region_is_selected_from_the_list(listed: Listed) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    listed.choose("one")
    bpy.data.objects["one"].select_set(False)
    bpy.ops.mixdiff.select_region()
    assert [item.name for item in bpy.context.selected_objects] == ["one"]


def test_nothing_is_removed_from_an_empty_list(listed: Listed) -> None:
    while listed.names:
        listed.scene.mixdiff.active_region = 0
        bpy.ops.mixdiff.remove_region()
    assert not bpy.ops.mixdiff.remove_region.poll()


# --- What the panel knows of the job ------------------------------------------------------------


def move(name: str) -> None:
    bpy.data.objects[name].location.z = -1


def set_on_left(name: str, value: Any) -> None:
    setattr(bpy.data.objects["left"].mixdiff, name, value)


def set_on_canvas(name: str, value: Any) -> None:
    setattr(bpy.context.scene.mixdiff, name, value)


def notes() -> Any:
    return annotations_of(bpy.context.scene).layers["notes"]


def draw_stroke(number: int = 1) -> None:
    layer = notes()
    frame = next((f for f in layer.frames if f.frame_number == number), None)
    points = (frame or layer.frames.new(number)).strokes.new().points
    points.add(2)
    points[1].co = (1, 1, 0)


def erase() -> None:
    strokes = notes().frames[0].strokes
    strokes.remove(strokes[0])


def change_point() -> None:
    notes().frames[0].strokes[0].points[1].co = (0, 1, 0)


@pytest.fixture
def cached(street: Any) -> Iterator[Any]:
    """A scene with an object that is no region and a stroke that is, whose job the panel read."""
    street.collection.objects.link(bpy.data.objects.new("no region", None))
    add_annotations(street, "notes")
    draw_stroke()
    bpy.ops.mixdiff.mark_annotations()
    layer = bpy.context.view_layer
    layer.update()
    job_cache._cached[street.session_uid] = job_cache._look_at(street.name, layer.name)
    job_cache.cached_job(street, layer)
    job_cache._stale.clear()
    job_cache._wanted.clear()
    yield street
    job_cache._after_load()


@pytest.mark.parametrize(
    ("change", "matters"),
    [
        (lambda: move("no region"), False),
        (lambda: move("left"), True),
        (lambda: move("Camera"), True),
        (lambda: set_on_left("prompt", "x"), True),
        (lambda: set_on_left("enabled", False), True),
        (lambda: set_on_canvas("num_inference_steps", 7), True),
        (draw_stroke, True),
        (lambda: draw_stroke(number=10), False),
        (erase, True),
        (change_point, True),
        (lambda: annotations_of(bpy.context.scene).layers.remove(notes()), True),
    ],
    ids=[
        *("another object", "a region", "the camera", "a prompt", "switched off", "steps"),
        *("a stroke", "a stroke of another frame", "erased", "moved", "layer gone"),
    ],
)
def test_a_scene_is_read_again_only_after_a_change_that_matters(
    change: Callable[[], None], matters: bool, cached: Any
) -> None:
    change()
    layer = bpy.context.view_layer
    layer.update()
    job_cache.cached_job(cached, layer)
    assert (cached.session_uid in job_cache._wanted) is matters


def test_what_is_doubtful_about_a_large_region_is_said_once(street: Any) -> None:
    street.mixdiff.tile_size = 64
    set_on_left("prompt", "a <lora:brick:1> wall")
    bpy.ops.mixdiff.generate()
    lines = [line.text for line in generation.last_report(street).lines]
    assert scripting.job()["max_region_px"] == 64
    assert [line for line in lines if line.startswith("left")] == lines[1:]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        (
            "",
            "there is none: the model paints what it likes there; write what belongs there, "
            "or take the region out",
        ),
        ("watercolour", "has no prompt and shows the style alone; type one"),
    ],
)
def test_a_region_without_a_prompt_is_said_at_the_region(
    whole: str, says: str, cached: Any
) -> None:
    cached.mixdiff.prompt = whole
    set_on_left("prompt", " ")
    look = job_cache._look_at(cached.name, bpy.context.view_layer.name)
    problems = [f"{p.message}; {p.remedy}" for p in look.problems_of(id_of("left"))]
    assert problems == [says]
    assert not look.problems_of(id_of("right"))
    set_on_left("type", "reroll")
    look = job_cache._look_at(cached.name, bpy.context.view_layer.name)
    assert not look.problems_of(id_of("left"))


def test_fields_of_pixels_say_so(street: Any) -> None:
    settings = (bpy.data.objects["left"].mixdiff, street.mixdiff)
    fields = [field for group in settings for field in group.bl_rna.properties]
    whole = [field for field in fields if field.type == "INT"]
    in_px = [field for field in whole if field.identifier.endswith(("_px", "_size"))]
    assert {field.identifier: field.subtype for field in in_px} == {
        "feather_px": "PIXEL",
        "tile_size": "PIXEL",
    }


def test_the_panel_shows_every_engine_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(is_running=True, pid=0, events=SimpleQueue())
    requests = [SimpleNamespace(output=Path(f"street-{number}.png")) for number in (1, 2)]
    jobs = [Job(request=request, on_end=lambda _: None) for request in requests]
    states = [Generating(client=client, request_id=7, job=job) for job in jobs]
    sessions = [SimpleNamespace(state=state, job=state.job, place="") for state in states]
    sessions.append(SimpleNamespace(state=Stopped(), job=None, place=""))
    monkeypatch.setattr(engine.queue, "sessions", sessions)
    layout = MagicMock()
    draw_bars(layout)
    drawn = [call for call in layout.mock_calls if call[0].endswith("progress")]
    assert [call.kwargs["text"].partition(" ")[0] for call in drawn] == ["street-1", "street-2"]
    monkeypatch.setattr(engine.queue, "sessions", sessions[1:])
    draw_bars(alone := MagicMock())
    (drawn_alone,) = [call for call in alone.mock_calls if call[0].endswith("progress")]
    assert drawn_alone.kwargs["text"] == "Loading the model"


def test_twenty_regions_are_read_drawn_and_looked_up_without_being_felt(
    scene: Any, camera: Any
) -> None:
    for number in range(20):
        at = (number % 5 * 0.7 - 1.4, number // 5 * 0.4 - 0.6, 0)
        add_region(f"region {number}", "x", size=(1, 0.6), at=at)
    update()
    found = places()

    def draw() -> None:
        sheet = Sheet()
        draw_shapes(sheet, found, FRAME, id_of("region 3"))
        sheet.triangles()

    assert median_ms(places) < 30
    assert median_ms(draw) < 5
    assert median_ms(lambda: job_cache.cached_job(scene, bpy.context.view_layer)) < 2


def test_whatever_a_job_has_of_the_scene_is_noticed(street: Any) -> None:
    assert set(type(street.mixdiff).__annotations__) >= job_cache._OF_NO_JOB
    for name, value in (("wrap", "x"), ("cpu_vae", True), ("look", "around"), ("prompt", "dusk")):
        before = job_cache._settings_of(street)
        setattr(street.mixdiff, name, value)
        assert job_cache._settings_of(street) != before, name
