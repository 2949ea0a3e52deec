"""The depth picture tells what a camera saw from what it did not: against rays, point by point."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import CLOSE, DepthRange, depth_picture, frame_matrix, nearest_around, view_of
from scenes import empty_scene, in_blender, update

HOSTS = "oldest and newest"


def add(kind: str, at: Any, scale: Any = (1, 1, 1), turn: Any = (0, 0, 0), **how: Any) -> Any:
    getattr(bpy.ops.mesh, f"primitive_{kind}_add")(location=at, rotation=turn, **how)
    bpy.context.object.scale = scale
    return bpy.context.object


@pytest.fixture(params=["PERSP", "ORTHO"])
def room(request: pytest.FixtureRequest) -> Any:
    """A room with what is hard: acute corners, slats, a frame on the wall, things on the floor."""
    scene = empty_scene(1024, 512)
    data = bpy.data.cameras.new("eye")
    data.type, data.ortho_scale, data.lens = request.param, 9, 24
    eye = bpy.data.objects.new("eye", data)
    scene.collection.objects.link(eye)
    eye.location, eye.rotation_euler = (0, -6, 1.6), (np.radians(86), 0, np.radians(4))
    scene.camera = eye
    add("cube", (0, 0, 2), (5, 4, 2))  # floor and walls, seen from within
    bpy.context.object.location.y = -2.5
    add("cube", (1, 0, 0.5), (0.5, 0.5, 0.5), (0, 0, 0.4))
    add("uv_sphere", (-1, -1, 0.5), (0.5, 0.5, 0.5))
    add("plane", (-3, 1.3, 1.5), (0.7, 0.7, 1), (np.pi / 2, 0, 0), size=1)
    add("cube", (2.6, 1.48, 2), (0.5, 0.01, 0.4))  # a picture, 2 cm thick on the wall
    for n in range(12):
        add("cube", (-4 + n * 0.03, 0, 1), (0.005, 0.02, 0.8))  # 2 cm of gap in slats
    for side in (-1, 1):  # an acute corner that opens to the camera, 12 degrees
        turn = (np.pi / 2, 0, np.pi / 2 + side * np.radians(6))
        add("plane", (3.6 + side * 0.06, 0, 0.5), (1.2, 1, 1), turn, size=1)
    update()
    return scene


def surfaces(scene: Any) -> Any:
    """Return all triangles in the world, (T, 3, 3)."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found = []
    for obj in scene.objects:
        if obj.type == "MESH":
            mesh = obj.evaluated_get(depsgraph).to_mesh()
            mesh.calc_loop_triangles()
            to_world = np.array(obj.matrix_world)
            points = np.array([v.co for v in mesh.vertices]) @ to_world[:3, :3].T + to_world[:3, 3]
            found.append(points[[list(t.vertices) for t in mesh.loop_triangles]])
    return np.concatenate(found)


def nearest_between(origins: Any, points: Any, triangles: Any) -> Any:
    """Return where the first thing is on the way to points, 1 where nothing is before them.

    Source: Moeller and Trumbore, Fast ray-triangle intersection, 1997. Shapes: (F, 3) → (F,).
    """
    found, ray = np.ones(len(points)), points - origins
    for first, second, third in triangles:
        one, two, to = second - first, third - first, origins - first
        across = np.cross(ray, two)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / (across @ one)
            u = (to * across).sum(axis=1) * inverse
            along = np.cross(to, one)
            v = (ray * along).sum(axis=1) * inverse
            t = (along @ two) * inverse
        is_hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-9) & (t < 1 - 1e-7)
        found = np.where(is_hit, np.minimum(found, t), found)
    return found


def seen_points(view: Any, triangles: Any, count: int) -> tuple[Any, Any, Any]:
    """Return points of surfaces in a frame: their places there, their depths, what is before."""
    draw = np.random.default_rng(1)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(normals, axis=1)
    which = draw.choice(len(triangles), count, p=area / area.sum())
    shares = draw.dirichlet((1, 1, 1), count)
    points = (triangles[which] * shares[..., None]).sum(axis=1)
    across, up, depth = frame_matrix(view) @ np.insert(points, 3, 1, axis=1).T
    place = np.stack([across, up]) / (depth if view.is_perspective else 1)
    inside = (depth > 0.1) & (np.abs(place - 0.5) < 0.5).all(axis=0)
    points, place, depth = points[inside], place[:, inside], depth[inside]
    to_world = np.linalg.inv(view.world_to_camera)
    origins = np.broadcast_to(to_world[:3, 3], points.shape)
    if not view.is_perspective:
        origins = points + to_world[:3, 2] * depth[:, None]
    return place, depth, nearest_between(origins, points, triangles)


def depths_in(image: Any) -> Any:
    return DepthRange.of(image).depths(in_blender(image)[::-1, :, 0]).astype(np.float32)


def test_what_a_camera_saw_is_told_from_what_it_did_not(room: Any) -> None:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    view = view_of(room, depsgraph)
    image = depth_picture(room, depsgraph, view, "depth")
    place, depth, before = seen_points(view, surfaces(room), 12_000)
    is_painted = depth < nearest_around(depths_in(image), place) * CLOSE
    is_seen, is_hidden = before == 1, before < 0.998  # a picture on the wall hides it
    assert is_seen.mean() > 0.3
    assert is_hidden.mean() > 0.1
    assert is_painted[is_seen].mean() > 0.999
    # Along the edges of what hides it, and in an orthographic view walls that are lines.
    assert is_painted[is_hidden].mean() < 0.08


def test_a_depth_picture_is_small_and_stays_in_the_file(room: Any, tmp_path: Path) -> None:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    image = depth_picture(room, depsgraph, view_of(room, depsgraph), "depth")
    assert depth_picture(room, depsgraph, view_of(room, depsgraph), "another") == image
    assert image.packed_file.size < 500_000
    before = depths_in(image)
    image.use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert np.array_equal(depths_in(bpy.data.images["depth"]), before)


def test_distances_are_kept_within_a_few_thousandths_of_a_percent() -> None:
    depths = np.array([[0.1, 0.3, 77.0], [1000.0, np.inf, 999.0]])
    kept = DepthRange.around(depths)
    values = (kept.codes(depths) / 65535).astype(np.float32)
    found = kept.depths(values)
    assert found[1, 1] == np.inf
    finite = np.isfinite(depths)
    error = found[finite] / depths[finite] - 1
    assert error.min() > -1e-6
    assert error.max() < 1.5e-4
