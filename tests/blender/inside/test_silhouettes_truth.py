"""What silhouettes cover beside what Cycles renders of the same things, in random scenes."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import job_from_scene, scripting
from scenes import add_camera, empty_scene, render, update

HOSTS = "wheels"

CASES = {"objects": 12, "materials": 6, "collections": 6}
THINGS = 9
CELL_PX = 8
DENSITY = 2  # samples a pixel of the canvas, along a side
SAMPLES_PX = 4  # pixels of a render along each side of the canvas's: what stands for the truth
ALIKE = 0.98
draw = random.Random(20261129)


def emission(colour: tuple[float, float, float]) -> Any:
    """Return a material that shows one colour, whatever the light."""
    material = bpy.data.materials.new("flat")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    shown = nodes.new("ShaderNodeEmission")
    shown.inputs["Color"].default_value = (*colour, 1)
    output = nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(shown.outputs[0], output.inputs["Surface"])
    return material


def colour_of(number: int) -> tuple[float, float, float]:
    """Return one of eight colours that a render keeps apart; things that are no regions have 0."""
    return number & 1, number >> 1 & 1, number >> 2 & 1


def modified(obj: Any) -> None:
    kind = draw.choice(["NONE", "SUBSURF", "ARRAY", "BEND"])
    if kind == "SUBSURF":
        levels = obj.modifiers.new("levels", "SUBSURF")
        levels.levels, levels.render_levels = draw.choice([(1, 2), (2, 2), (0, 2)])
    elif kind == "ARRAY":
        array = obj.modifiers.new("array", "ARRAY")
        array.count, array.relative_offset_displace[0] = 3, draw.uniform(0.5, 1.4)
    elif kind == "BEND":
        bend = obj.modifiers.new("bend", "SIMPLE_DEFORM")
        bend.deform_method, bend.angle = "BEND", draw.uniform(-1.5, 1.5)


def thing() -> Any:
    """Add something with a surface, and return it."""
    kind = draw.choice(["cube", "monkey", "sphere", "plane", "torus", "text", "ball", "curve"])
    if kind == "text":
        bpy.ops.object.text_add()
        bpy.context.object.data.body = "Sign"
    elif kind == "ball":
        bpy.ops.object.metaball_add(radius=0.8)
        ball = bpy.context.object
        ball.name = f"Ball {draw.randint(1, 10**9)}"  # a family of its own
        ball.data.resolution = ball.data.render_resolution
    elif kind == "curve":
        bpy.ops.curve.primitive_bezier_circle_add(radius=0.7)
        bpy.context.object.data.bevel_depth = 0.15
    elif kind == "sphere":
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.7)
    elif kind == "torus":
        bpy.ops.mesh.primitive_torus_add()
    else:
        getattr(bpy.ops.mesh, f"primitive_{kind}_add")(size=1.2)
    obj = bpy.context.object
    if kind not in ("ball", "text"):
        modified(obj)
    return obj


def instanced(scene: Any, obj: Any, source: Any) -> Any:
    """Return an instance of a collection with an object, which is nowhere else."""
    for owner in obj.users_collection:
        owner.objects.unlink(obj)
    source.objects.link(obj)
    empty = bpy.data.objects.new("instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", source
    scene.collection.objects.link(empty)
    return empty


class OfObjects:
    """Seven of the things are regions."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, scene: Any, obj: Any) -> Any:
        """Give a thing the colour of its region, and return what stands for it in the scene."""
        self.count += 1
        region = self.count if self.count < 8 else 0
        obj.data.materials.append(emission(colour_of(region)))
        source = bpy.data.collections.new("source")
        shown = instanced(scene, obj, source) if draw.random() < 0.2 else obj
        if region:
            shown.mixdiff.enabled, shown.mixdiff.prompt = True, str(region)
            shown.mixdiff.shape, shown.mixdiff.feather_px = "silhouette", 0
        return shown


class OfMaterials:
    """Six materials are regions; things have two each where their faces can."""

    def __init__(self) -> None:
        self.materials = [emission(colour_of(number)) for number in range(7)]
        for number, material in enumerate(self.materials[1:], start=1):
            scripting.mark([material], prompt=str(number), feather_px=0)

    def add(self, scene: Any, obj: Any) -> Any:
        """Give a thing materials, and return what stands for it in the scene."""
        for material in draw.sample(self.materials, 2):
            obj.data.materials.append(material)
        if obj.type == "MESH":
            for polygon in obj.data.polygons:
                polygon.material_index = int(polygon.center.x > 0.1)
        if draw.random() < 0.3:
            obj.material_slots[0].link = "OBJECT"
            obj.material_slots[0].material = draw.choice(self.materials)
        if draw.random() < 0.2:
            return instanced(scene, obj, bpy.data.collections.new("source"))
        return obj


class OfCollections:
    """Three collections are regions, one in another, and two that lie in no scene."""

    def __init__(self) -> None:
        self.collections = [bpy.data.collections.new(str(number)) for number in range(1, 6)]
        for number, collection in enumerate(self.collections):
            if number < 3:
                within = self.collections[0] if number == 2 else bpy.context.scene.collection
                within.children.link(collection)
            scripting.mark([collection], feather_px=0)
        self.count = 0

    def add(self, scene: Any, obj: Any) -> Any:
        """Put a thing into a collection, and return what stands for it in the scene."""
        number = (0, 0, 1, 2, 3, 4, 1, 3, 4)[self.count]
        self.count += 1
        collection = self.collections[number]
        obj.data.materials.append(emission(colour_of(number + 1)))
        how = draw.choice(["member", "member", "source", "instance"])
        if how == "member":
            collection.objects.link(obj)
            return obj
        if how == "source" and number > 2:
            return instanced(scene, obj, collection)
        shown = instanced(scene, obj, bpy.data.collections.new("source"))
        collection.objects.link(shown)
        return shown


KINDS: dict[str, Any] = {
    "objects": OfObjects,
    "materials": OfMaterials,
    "collections": OfCollections,
}


@dataclass
class Compared:
    """How alike what is covered and what is rendered are, for each region of each scene."""

    alike: list[float] = field(default_factory=list)
    small: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    overlapping: float = 0.0
    cases: int = 0


def cells(picture: Any) -> Any:
    """Return the mean of each latent cell."""
    height, width = (side // (CELL_PX * DENSITY) for side in picture.shape)
    return picture.reshape(height, CELL_PX * DENSITY, width, CELL_PX * DENSITY).mean(axis=(1, 3))


def random_scene(kind: str) -> Any:
    scene = empty_scene(draw.choice([256, 320]), draw.choice([192, 256]))
    scene.cycles.samples, scene.cycles.pixel_filter_type = 1, "BOX"
    scene.world = None
    scene.render.film_transparent = True
    camera = add_camera(scene, type=draw.choice(["PERSP", "PERSP", "ORTHO"]), ortho_scale=7)
    camera.data.lens = draw.uniform(25, 60)
    camera.data.shift_x = draw.choice([0, 0.1])
    camera.data.clip_start, camera.data.clip_end = draw.choice([(0.1, 100), (6.5, 8.2)])
    camera.location = (draw.uniform(-1, 1), draw.uniform(-1, 1), 7.5)
    camera.rotation_euler = [draw.uniform(-0.1, 0.1) for _ in range(3)]
    regions = KINDS[kind]()
    for _ in range(THINGS):
        shown = regions.add(scene, thing())
        shown.location = [draw.uniform(-2.2, 2.2), draw.uniform(-1.6, 1.6), draw.uniform(-1, 1)]
        shown.rotation_euler = [draw.uniform(-3, 3) for _ in range(3)]
        shown.scale = [draw.uniform(0.5, 1.3) for _ in range(3)]
    update()
    return scene


def truth_of(scene: Any, path: Path) -> Any:
    """Return which region's colour each cell of the canvas shows how much, (8, h, w)."""
    scene.render.resolution_percentage = 100 * SAMPLES_PX
    shown = render(scene, path) > 127
    scene.render.resolution_percentage = 100
    numbers = shown[..., 0] + 2 * shown[..., 1] + 4 * shown[..., 2]
    numbers = np.where(shown[..., 3], numbers, -1)
    height, width = (side // (CELL_PX * SAMPLES_PX) for side in numbers.shape)
    parts = numbers.reshape(height, CELL_PX * SAMPLES_PX, width, CELL_PX * SAMPLES_PX)
    return np.stack([(parts == number).mean(axis=(1, 3)) for number in range(8)])


def rendered_before(path: Path) -> None:
    """Render once, after which Blender 4.2 subdivides on the graphics card, as windows do."""
    scene = empty_scene()
    add_camera(scene)
    other = bpy.data.scenes.new("other")
    other.camera, other.render.filepath = scene.camera, str(path)
    other.render.resolution_x = other.render.resolution_y = 16
    bpy.ops.render.render(scene="other")


@pytest.fixture(scope="module", params=CASES)
def compared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    folder = tmp_path_factory.mktemp("truth")
    found = Compared()
    rendered_before(folder / "before.png")
    found.cases = CASES[request.param]
    for number in range(found.cases):
        scene = random_scene(request.param)
        job = job_from_scene(scene, bpy.context.evaluated_depsgraph_get())
        height, width = job.job.canvas_height, job.job.canvas_width
        sum_of_all = np.zeros((height * DENSITY, width * DENSITY))
        truth = truth_of(scene, folder / f"{number}.png")
        regions = {region.prompt: region for region in job.job.regions}
        for prompt in map(str, range(1, 8)):
            seen = truth[int(prompt)]
            if prompt not in regions:
                if seen.sum() > 0.5:
                    found.missed.append(f"{number}: {prompt}, {seen.sum():.2f} cells")
                continue
            region = regions[prompt]
            covered = np.zeros(sum_of_all.shape)
            top, bottom, left, right = (side * DENSITY for side in region.bounds)
            covered[top:bottom, left:right] = job.silhouettes[region.id].shares
            sum_of_all += covered
            mine = cells(covered)
            alike = np.minimum(mine, seen).sum() / np.maximum(mine, seen).sum()
            (found.alike if seen.sum() > 4 else found.small).append(float(alike))
        found.overlapping = max(found.overlapping, float(sum_of_all.max()))
    return found


def test_a_silhouette_covers_what_a_render_shows_of_a_region(compared: Compared) -> None:
    assert len(compared.alike) > 3 * compared.cases
    assert min(compared.alike) >= ALIKE


def test_what_a_render_shows_is_covered_and_by_one_region_alone(compared: Compared) -> None:
    assert compared.missed == []
    assert compared.overlapping <= 1
