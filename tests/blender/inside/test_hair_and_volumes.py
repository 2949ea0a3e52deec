"""What regions cover of hair and volumes, beside what Cycles renders."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import scripting, strands
from scenes import add_camera, add_plane, empty_scene, render, select
from seen import covered, said, to_collection

HOSTS = "oldest and newest"

CELL = 16  # samples


def cells(samples: Any) -> Any:
    """Return the mean of each latent cell."""
    height, width = (side // CELL for side in samples.shape)
    return samples.reshape(height, CELL, width, CELL).mean(axis=(1, 3))


def truth(scene: Any, path: Path) -> Any:
    """Return how much of each latent cell a render shows."""
    scene.world, scene.render.film_transparent = None, True
    scene.cycles.samples, scene.cycles.pixel_filter_type = 16, "BOX"
    scene.render.resolution_percentage = 200
    shown = render(scene, path)[..., 3] / 255
    scene.render.resolution_percentage = 100
    return cells(shown)


def region_of(obj: Any) -> Any:
    obj.mixdiff.enabled, obj.mixdiff.prompt = True, obj.name
    obj.mixdiff.shape, obj.mixdiff.feather_px = "silhouette", 0
    return obj


def curves(count: int, radius: float | None = 0.02) -> Any:
    """Add hair curves that stand beside each other, wavy."""
    data = bpy.data.hair_curves.new("hair")
    data.add_curves([8] * count)
    across = np.repeat(np.linspace(-1.5, 1.5, count), 8)
    upwards = np.tile(np.linspace(-0.8, 0.8, 8), count)
    points = np.stack([across + 0.1 * np.sin(3 * upwards), upwards, 0 * across], axis=1)
    data.points.foreach_set("position", points.astype(np.float32).ravel())
    if radius is not None:
        given = data.attributes.new("radius", "FLOAT", "POINT")
        given.data.foreach_set("value", np.full(8 * count, radius, dtype=np.float32))
    hair = bpy.data.objects.new("hair", data)
    bpy.context.scene.collection.objects.link(hair)
    return hair


def particles(**settings: Any) -> Any:
    """Add a plane with particle hair, which alone is shown."""
    plane = add_plane("coat", size=(1.5, 1.5))
    plane.modifiers.new("hair", "PARTICLE_SYSTEM")
    made = plane.particle_systems[0].settings
    made.type, made.render_type, made.count, made.hair_length = "HAIR", "PATH", 300, 0.5
    made.root_radius, made.radius_scale, made.use_advanced_hair = 1, 0.02, True
    for name, value in settings.items():
        setattr(made, name, value)
    return plane


@pytest.fixture
def scene() -> Any:
    scene = empty_scene(256, 128)
    add_camera(scene)
    return scene


@pytest.mark.parametrize(("count", "radius"), [(12, 0.04), (150, 0.004), (150, None)])
def test_hair_curves_are_as_wide_as_they_render(
    scene: Any, tmp_path: Path, count: int, radius: float | None
) -> None:
    region_of(curves(count, radius))
    mine, seen = cells(covered("hair")), truth(scene, tmp_path / "hair.png")
    print(mine.sum(), seen.sum(), np.abs(mine - seen).max())
    assert mine.sum() == pytest.approx(seen.sum(), rel=0.08)
    assert np.abs(mine - seen).max() < 0.2


@pytest.mark.parametrize("child_type", ["NONE", "SIMPLE"])
def test_particle_hair_is_as_wide_as_it_renders(
    scene: Any, tmp_path: Path, child_type: str
) -> None:
    scene.camera.rotation_euler.x, scene.camera.location = 1.2, (0, -10, 4)
    coat = region_of(particles(child_type=child_type, count=300 if child_type == "NONE" else 30))
    coat.show_instancer_for_render = False
    mine, seen = cells(covered("coat")), truth(scene, tmp_path / "hair.png")
    print(mine.sum(), seen.sum(), np.abs(mine - seen).max())
    assert mine.sum() == pytest.approx(seen.sum(), rel=0.1)
    coat.particle_systems[0].settings.hair_length = 0.1
    assert cells(covered("coat")).sum() < mine.sum()


def test_hair_hides_what_is_behind_and_the_skin_is_its_objects(scene: Any) -> None:
    wall = region_of(add_plane("wall", size=(4, 2), at=(0, 0, -1)))
    before = covered("wall").sum()
    hair = curves(150, 0.004)
    hidden = before - covered("wall").sum()
    assert hidden > 0
    region_of(hair)
    assert covered("hair").sum() == hidden
    wood = bpy.data.materials.new("wood")
    hair.data.materials.append(wood)
    hair.mixdiff.enabled = wall.mixdiff.enabled = False
    scripting.mark([wood], prompt="wood", feather_px=0)
    assert covered("wood").sum() == hidden
    select(hair)
    bpy.ops.mixdiff.mark_regions()
    assert hair.mixdiff.enabled


def test_strands_have_their_own_material_and_hair_of_instances_counts(scene: Any) -> None:
    skin, fur = bpy.data.materials.new("skin"), bpy.data.materials.new("fur")
    coat = particles(material=2)
    for material in (skin, fur):
        coat.data.materials.append(material)
    scripting.mark([skin, fur], prompt="x", feather_px=0)
    scene.camera.rotation_euler.x, scene.camera.location = 1.2, (0, -10, 4)
    assert covered("skin").any()
    assert covered("fur").any()
    coat.particle_systems[0].settings.material = 1
    assert said("fur")[0].startswith("is on nothing that a render shows")
    coat.particle_systems[0].settings.material = 2
    alone = covered("fur").sum()
    source = to_collection("source", coat)
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", source
    scene.collection.objects.link(instance)
    assert covered("fur").sum() == pytest.approx(alone, rel=0.02)
    coat.modifiers[0].show_render = False
    assert said("fur")


def test_more_hair_than_is_quick_is_read_in_part_and_covers_as_much(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    region_of(curves(150, 0.004))
    whole = covered("hair").sum()
    monkeypatch.setattr(strands, "_MOST_POINTS", 400)
    bpy.data.objects["hair"].data.update_tag()
    assert covered("hair").sum() == pytest.approx(whole, rel=0.1)


def test_dense_hair_that_is_read_in_part_reaches_no_farther(scene: Any) -> None:
    coat = region_of(particles(count=400, child_type="SIMPLE", rendered_child_count=5000))
    coat.show_instancer_for_render = False
    scene.camera.rotation_euler.x, scene.camera.location = 1.2, (0, -10, 4)
    rows = np.flatnonzero(covered("coat").any(axis=1))
    coat.particle_systems[0].settings.child_type = "NONE"
    alone = np.flatnonzero(covered("coat").any(axis=1))
    assert abs(rows[0] - alone[0]) < 2 * CELL
    assert abs(rows[-1] - alone[-1]) < 2 * CELL


def test_hair_of_no_size_is_no_harm(scene: Any) -> None:
    coat = region_of(particles())
    region_of(add_plane("wall", size=(4, 2), at=(0, 0, -1)))
    coat.scale = (0, 0, 0)
    assert covered("wall").sum() == 4 * 2 * 128**2


def test_curves_without_a_point_have_no_surface(scene: Any) -> None:
    empty = bpy.data.objects.new("empty", bpy.data.hair_curves.new("empty"))
    scene.collection.objects.link(empty)
    region_of(empty)
    assert said("empty")[0].startswith("has no surface")
    empty.data.add_curves([1, 1])
    assert said("empty")[0].startswith("has no surface")


# --- Volumes ------------------------------------------------------------------------------------


def cloud() -> Any:
    """Add a volume around a ball of one unit."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5)
    ball = bpy.context.object
    ball.hide_render = True
    made = bpy.data.objects.new("cloud", bpy.data.volumes.new("cloud"))
    bpy.context.scene.collection.objects.link(made)
    made.modifiers.new("volume", "MESH_TO_VOLUME").object = ball
    return made


def test_a_volume_covers_the_box_around_it_and_that_is_said(scene: Any) -> None:
    wall = region_of(add_plane("wall", size=(4, 2), at=(0, 0, -1)))
    whole = covered("wall").sum()
    region_of(cloud())
    side = np.sqrt(covered("cloud").sum()) / 128  # in units
    assert 1 <= side < 2
    assert covered("wall").sum() == whole - covered("cloud").sum()
    assert [line.partition(":")[0] for line in said("cloud")] == ["is a volume"]
    bpy.data.objects["cloud"].mixdiff.enabled = False
    assert covered("wall").sum() == whole, "what is no region hides nothing"
    wall.mixdiff.enabled = False


def test_a_domain_hides_nothing_where_it_is_no_region(scene: Any) -> None:
    region_of(add_plane("wall", size=(4, 2), at=(0, 0, -1)))
    whole = covered("wall").sum()
    bpy.ops.mesh.primitive_cube_add(size=1)
    domain = bpy.context.object
    domain.name = "domain"
    assert covered("wall").sum() < whole
    smoke = bpy.data.materials.new("smoke")
    smoke.use_nodes = True
    tree = smoke.node_tree
    tree.nodes.clear()
    inside = tree.nodes.new("ShaderNodeVolumePrincipled")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(inside.outputs[0], output.inputs["Volume"])
    domain.data.materials.append(smoke)
    assert covered("wall").sum() == whole
    region_of(domain)
    assert covered("domain").sum() == 128 * 128
    assert [line.partition(":")[0] for line in said("domain")] == ["is a volume"]


def test_an_empty_volume_has_no_surface(scene: Any) -> None:
    empty = bpy.data.objects.new("empty", bpy.data.volumes.new("empty"))
    scene.collection.objects.link(empty)
    region_of(empty)
    assert said("empty")[0].startswith("has no surface")
