"""Regions made by the operators: drawn, of images, of annotations; keyframes of their settings."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import png_of, scripting
from scenes import (
    add_camera,
    add_plane,
    add_region,
    empty_scene,
    place,
    render,
    scene_before_any_camera,
    select,
    update,
)

HOSTS = "wheels"

WANTED = [8, 56, 16, 104]


def names() -> list[str]:
    return [region.name for region in scripting.regions()]


def places() -> list[list[int]]:
    return [place(region) for region in scripting.job()["regions"]]


@pytest.mark.parametrize("number", range(12))
def test_a_drawn_region_fits_exactly_and_moves_with_any_camera(number: int) -> None:
    draw = random.Random(number)
    camera = scene_before_any_camera(draw).camera
    sides = dict(zip(("row_init", "row_end", "col_init", "col_end"), WANTED, strict=True))
    bpy.ops.mixdiff.draw_region(**sides, prompt="drawn")
    assert places() == [WANTED]
    camera.location.x += 5
    update()
    assert places() == [WANTED]
    assert scripting.job()["regions"][0]["prompt"] == "drawn"


def test_a_drawn_region_is_not_rendered_and_is_a_region_all_the_same(
    scene: Any, camera: Any, tmp_path: Path
) -> None:
    scene.render.film_transparent, scene.world = True, None
    bpy.ops.mixdiff.draw_region(row_end=64, col_end=64, type="reroll")
    region = bpy.context.object
    assert region.name == "Region"
    assert bpy.context.selected_objects == [region]
    assert region.parent == camera
    assert names() == ["Region"]
    (found,) = scripting.regions()
    assert (found.type, found.rectangles) == ("reroll", ((0, 64, 0, 64),))
    assert render(scene, tmp_path / "guide.png")[..., 3].max() == 0
    region.mixdiff.guide = False
    assert render(scene, tmp_path / "no guide.png")[..., 3].max() == 255


def test_a_rectangle_without_a_size_is_refused(camera: Any) -> None:
    with pytest.raises(RuntimeError, match="drag from one corner"):
        bpy.ops.mixdiff.draw_region(row_init=8, row_end=8)


@dataclass
class Pictures:
    """A picture in a file, an empty that shows it, a plane that wears it, and one that does not."""

    file: Path
    empty: Any
    textured: Any
    plain: Any


@pytest.fixture
def pictures(scene: Any, camera: Any, tmp_path: Path) -> Pictures:
    photo = bpy.data.images.new("photo", 64, 32)
    photo.filepath_raw, photo.file_format = str(tmp_path / "photo.png"), "PNG"
    photo.save()
    empty = bpy.data.objects.new("empty", None)
    empty.empty_display_type, empty.data, empty.empty_display_size = "IMAGE", photo, 2
    empty.location = (-1, 0.5, 0)
    scene.collection.objects.link(empty)
    textured = add_plane("textured", size=(1, 1), at=(1, 0, 0))
    material = bpy.data.materials.new("photo")
    material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = photo
    textured.data.materials.append(material)
    plain = add_plane("plain", size=(4, 2))
    return Pictures(tmp_path / "photo.png", empty, textured, plain)


def test_image_empties_and_textured_planes_start_from_their_image(pictures: Pictures) -> None:
    select(pictures.empty, pictures.textured, pictures.plain)
    bpy.ops.mixdiff.mark_regions()
    for item in (pictures.empty, pictures.textured):
        assert item.mixdiff.type == "image2image"
        assert item.mixdiff.reference_image.name == "photo"
    assert pictures.plain.mixdiff.type == "text2image"
    assert pictures.plain.mixdiff.reference_image is None
    pictures.plain.mixdiff.prompt = "x"
    images = [r for r in scripting.job()["regions"] if r["type"] == "image2image"]
    assert [place(region) for region in images] == [[0, 32, 0, 64], [16, 48, 80, 112]]
    assert [Path(region["reference_image"]).name for region in images] == ["photo.png"] * 2


COLOURS = {1: (255, 0, 0), 2: (0, 255, 0), 3: (0, 0, 255)}


@pytest.fixture
def footage(scene: Any, camera: Any, tmp_path: Path) -> Any:
    """An empty that shows a sequence of three pictures from frame 10 on."""
    for number, colour in COLOURS.items():
        pixels = np.full((32, 64, 3), colour, np.uint8)
        (tmp_path / f"shot2_{number:04d}.png").write_bytes(png_of(pixels))
    add_region("ground", "sand")
    image = bpy.data.images.load(str(tmp_path / "shot2_0001.png"))
    image.source = "SEQUENCE"
    empty = bpy.data.objects.new("footage", None)
    empty.empty_display_type, empty.data, empty.empty_display_size = "IMAGE", image, 2
    user = empty.image_user
    user.frame_start, user.frame_duration, user.frame_offset = 10, 3, 0
    scene.collection.objects.link(empty)
    empty.mixdiff.enabled, empty.mixdiff.type = True, "image2image"
    empty.mixdiff.reference_image = image
    return empty


@pytest.mark.parametrize(
    ("frame", "number", "cyclic"),
    [(1, 1, False), (10, 1, False), (12, 3, False), (40, 3, False), (14, 2, True)],
)
def test_footage_follows_the_frame(frame: int, number: int, cyclic: bool, footage: Any) -> None:
    footage.image_user.use_cyclic = cyclic
    used = [r for r in scripting.job(frame=frame)["regions"] if r["type"] == "image2image"]
    assert Path(used[0]["reference_image"]).name == f"shot2_{number:04d}.png"
    assert not scripting.problems(frame=frame)


def test_footage_that_ends_too_early_is_said(footage: Any) -> None:
    footage.image_user.frame_duration = 100
    (said,) = scripting.problems(frame=20)
    assert "has no picture shot2_0011.png for this frame" in said


def test_a_movie_is_said(footage: Any) -> None:
    footage.mixdiff.reference_image.source = "MOVIE"
    (said,) = scripting.problems()
    assert "choose a sequence of pictures instead" in said


def test_an_image_can_be_chosen_to_be_text(pictures: Pictures) -> None:
    select(pictures.empty, pictures.textured, pictures.plain)
    bpy.ops.mixdiff.mark_regions()
    pictures.empty.mixdiff.reference_image = None
    pictures.empty.mixdiff.enabled = False
    select(pictures.empty, pictures.textured)
    bpy.ops.mixdiff.mark_regions(type="text2image")
    assert pictures.empty.mixdiff.type == pictures.textured.mixdiff.type == "text2image"


def test_a_picture_file_becomes_a_region_before_the_camera(pictures: Pictures) -> None:
    add_region("behind", "x")
    bpy.ops.mixdiff.add_image_region(filepath=str(pictures.file))
    added = bpy.context.object
    assert (added.type, added.mixdiff.type) == ("EMPTY", "image2image")
    assert added.mixdiff.reference_image.name == "photo"
    assert places()[-1] == [16, 48, 32, 96]


# --- Annotations: drawn on the screen and in space, in a camera view ----------------------------

KEYS = [item.identifier for item in bpy.types.OperatorStrokeElement.bl_rna.properties]
SKY, TOWER = "a stormy sky", "a far away tower"


class Annotations:
    """The annotations of a scene, drawn in its camera's view."""

    def __init__(self) -> None:
        self.scene = empty_scene(128, 128)
        self.camera = add_camera(self.scene, type="PERSP", lens=50)
        self.camera.location, self.camera.rotation_euler = (0, -8, 4), (1.1, 0, 0)
        update()

    @property
    def layers(self) -> Any:
        return (getattr(self.scene, "annotation", None) or self.scene.grease_pencil).layers

    def draw(self, name: str, placed: str, *points: tuple[float, float, float]) -> None:
        """Draw a stroke on a new layer, then put its points where they are wanted."""
        if getattr(self.scene, "annotation", None) or getattr(self.scene, "grease_pencil", None):
            bpy.ops.gpencil.layer_annotation_add()
        else:
            bpy.ops.gpencil.annotation_add()
        self.layers[self.layers.active_index].info = name
        self.stroke(placed, *points)

    def stroke(self, placed: str, *points: tuple[float, float, float]) -> None:
        """Draw a stroke on the active layer, at the scene's frame."""
        layer = self.layers[self.layers.active_index]
        self.scene.tool_settings.annotation_stroke_placement_view3d = placed
        own = {"name": "", "location": (0, 0, 0), "pressure": 1.0, "size": 0, "pen_flip": False}
        own |= {"x_tilt": 0.0, "y_tilt": 0.0, "time": 0.0, "is_start": False}
        drawn = []
        for number in range(len(points)):
            mouse = (100 + 50 * number, 100)
            element = {**own, "mouse": mouse, "mouse_event": mouse}
            drawn.append({key: value for key, value in element.items() if key in KEYS})
        bpy.ops.gpencil.annotate("EXEC_DEFAULT", mode="DRAW", stroke=drawn, wait_for_input=False)
        frame = next(f for f in layer.frames if f.frame_number == self.scene.frame_current)
        made = frame.strokes[-1]
        assert len(made.points) == len(points)
        for point, co in zip(made.points, points, strict=True):
            point.co = co

    def places(self) -> dict[str, list[int]]:
        return {region["prompt"]: place(region) for region in scripting.job()["regions"]}


@pytest.fixture
def annotations() -> Iterator[Annotations]:
    made = Annotations()
    window = bpy.context.window_manager.windows[0]
    area = next((a for a in window.screen.areas if a.type == "VIEW_3D"), window.screen.areas[0])
    area.type = "VIEW_3D"
    region = next(r for r in area.regions if r.type == "WINDOW")
    area.spaces[0].region_3d.view_perspective = "CAMERA"
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert not bpy.ops.mixdiff.mark_annotations.poll()
        made.draw(SKY, "VIEW", (25, 75, 0), (75, 100, 0), (50, 90, 0))
        made.draw(TOWER, "CURSOR", (-1, 0, 0.5), (1, 0, 0.5), (1, 0, 1.5))
        yield made


def test_layers_of_annotations_are_regions_named_after_what_they_show(
    annotations: Annotations,
) -> None:
    bpy.ops.mixdiff.mark_annotations(layers="active")
    assert names() == [TOWER]
    bpy.ops.mixdiff.mark_annotations()
    assert names() == [TOWER, SKY]


def test_a_layer_is_what_its_drawing_shows_at_the_frame(annotations: Annotations) -> None:
    bpy.ops.mixdiff.mark_annotations(layers="active")
    scene = annotations.scene
    (first,) = annotations.places().values()
    scene.frame_set(10)
    annotations.stroke("CURSOR", (-3, 0, 0.5), (-2, 0, 0.5), (-2, 0, 1.5))
    (second,) = annotations.places().values()
    assert second != first
    for number, expected in ((9, first), (1, first), (0, first), (10, second), (50, second)):
        scene.frame_set(number)
        assert list(annotations.places().values()) == [expected]
    scene.frame_set(1)
    assert [place(region) for region in scripting.job(frame=10)["regions"]] == [second]


def test_a_stroke_in_space_lies_where_a_plane_would(annotations: Annotations) -> None:
    bpy.ops.mixdiff.mark_annotations()
    plane = add_region("same as the tower", "plane")
    plane.scale = (1, 1, 1)
    corners = [(-1, 0, 0.5), (1, 0, 0.5), (-1, 0, 1.5), (1, 0, 1.5)]
    for vertex, co in zip(plane.data.vertices, corners, strict=True):
        vertex.co = co
    assert annotations.places()[TOWER] == annotations.places()["plane"]


def test_a_stroke_on_the_screen_lies_where_it_is_seen(annotations: Annotations) -> None:
    bpy.ops.mixdiff.mark_annotations()
    assert annotations.places()[SKY] == [0, 32, 32, 96]
    border = annotations.scene.render
    border.use_border = border.use_crop_to_border = True
    border.border_min_x, border.border_max_x = 0.25, 0.75
    border.border_min_y, border.border_max_y = 0.5, 1.0
    assert annotations.places()[SKY] == [0, 32, 0, 64]
    border.use_border = False
    # Blender draws strokes of the screen where the frame would be without the camera's shift.
    annotations.camera.data.shift_x = 0.25
    update()
    assert annotations.places()[SKY] == [0, 32, 0, 64]


def test_a_layers_settings_reach_the_job(annotations: Annotations) -> None:
    bpy.ops.mixdiff.mark_annotations()
    scene = annotations.scene
    settings = scene.mixdiff.regions[0].settings
    settings.prompt, settings.mask_weight = "a calm sky", 0.5
    scene.keyframe_insert("mixdiff.regions[0].settings.guidance_scale", frame=1)
    skies = [r for r in scripting.job()["regions"] if "sky" in r["prompt"]]
    assert [[r["prompt"], r["mask_weight"]] for r in skies] == [["a calm sky", 0.5]]


def test_renamed_and_removed_layers_are_noticed(annotations: Annotations) -> None:
    bpy.ops.mixdiff.mark_annotations()
    layers = annotations.layers
    layers[layers.active_index].info = "a ruin"
    annotations.camera.location.x += 0.1
    update()
    assert names() == [SKY, "a ruin"]
    layers.remove(layers[0])
    assert names() == ["a ruin"]


def test_keyframes_and_drivers_are_read_at_the_current_frame(scene: Any, camera: Any) -> None:
    region = add_region("region", "a road")
    animated = {
        "guidance_scale": (2, 10),
        "mask_weight": (1, 3),
        "strength": (0, 1),
        "noise_eps": (0, 1),
    }
    for name, (start, end) in animated.items():
        for frame, value in ((1, start), (11, end)):
            setattr(region.mixdiff, name, value)
            region.keyframe_insert(f"mixdiff.{name}", frame=frame)
    image = add_region("image")
    image.mixdiff.type = "image2image"
    image.mixdiff.reference_image = bpy.data.images.new("photo", 8, 8)
    curve = image.driver_add("mixdiff.strength").driver
    curve.type, curve.expression = "SCRIPTED", "frame / 20"
    found = {}
    for frame in (1, 6, 11):
        scene.frame_set(frame)
        text, photo = scripting.job()["regions"]
        settings = [text[name] for name in ("guidance_scale", "mask_weight", "noise_eps")]
        found[frame] = [*settings, photo["strength"]]
    assert found[1] == [2, 1, 0, 0.05]
    assert found[11] == [10, 3, 1, 0.55]
    assert found[6] == pytest.approx([6, 2, 0.5, 0.3])
