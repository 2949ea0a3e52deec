"""Depth, normals, edges and segments against the analytic truth of known scenes."""

import math
import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import SCENE_PICTURES, Canvas, EngineError, Rectangle, SceneLook, Segments, region_colour
from scenes import add_camera, add_plane, empty_scene, update

HOSTS = "all"

WIDTH, HEIGHT = 128, 64
DISTANCE = 10.0
TAN = 0.2  # half of the frame's width at the distance 1, through the lens below


@pytest.fixture
def lens(camera: Any) -> Any:
    """The camera as a perspective one, whose frame is 4 units wide at a distance of 10."""
    camera.data.type, camera.data.lens, camera.data.sensor_width = "PERSP", 90, 36
    return camera


def picture(kind: str, **more: Any) -> Any:
    """Return a control picture of the scene as it is now, (H, W, 3)."""
    update()
    canvas = Canvas(height_px=HEIGHT, width_px=WIDTH, grid_px=8)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    look = SceneLook(bpy.context.scene, depsgraph, canvas, **more)
    return SCENE_PICTURES[kind](look).astype(int)


def rays() -> Any:
    """Return where on the plane at the distance 1 each pixel's middle lies: x, y."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / (WIDTH / 2) * TAN
    y = (HEIGHT / 2 - np.arange(HEIGHT) - 0.5) / (WIDTH / 2) * TAN
    return np.meshgrid(x, y)


def sphere(radius: float = 0.8, at: Any = (0, 0, 0)) -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=256, ring_count=128, radius=radius, location=at)
    bpy.ops.object.shade_smooth()
    return bpy.context.object


def sphere_truth(radius: float, height: float) -> Any:
    """Return the distance ahead and the normal at each pixel of a sphere under the camera."""
    x, y = rays()
    directions = np.stack([x, y, -np.ones_like(x)], axis=-1)
    centre = np.array([0, 0, height - DISTANCE])
    a = (directions**2).sum(-1)
    b = directions @ centre
    inside = b**2 - a * (centre @ centre - radius**2)
    is_hit = inside > 0
    ahead = (b - np.sqrt(np.where(is_hit, inside, 0))) / a
    normals = (directions * ahead[..., None] - centre) / radius
    return np.where(is_hit, ahead, np.inf), normals, is_hit


def test_the_depth_of_a_slope_is_its_inverse_distance(lens: Any) -> None:
    slope = add_plane("slope", size=(40, 40))
    slope.rotation_euler = (math.radians(30), 0, 0)
    found = picture("depth")
    assert (found == found[..., :1]).all()
    _, y = rays()
    inverse = (1 + y * math.tan(math.radians(30))) / DISTANCE
    expected = (inverse - inverse.min()) / (inverse.max() - inverse.min()) * 255
    assert np.abs(found[..., 0] - expected).max() <= 0.51


def test_the_depth_and_the_normals_of_a_sphere_are_its_own(lens: Any) -> None:
    sphere(0.8)
    ahead, normals, is_hit = sphere_truth(0.8, 0.0)
    depth = picture("depth")[..., 0]
    inverse = 1 / ahead
    shown = inverse[is_hit]
    expected = np.where(is_hit, (inverse - shown.min()) / (shown.max() - shown.min()) * 255, 0)
    # Along its outline a pixel more or less is the mesh's, which is no true sphere.
    inner = normals[..., 2] > 0.2
    assert np.abs(depth - expected)[inner].max() <= 4
    assert (depth[~is_hit] == 0).mean() > 0.99
    found = picture("normal")
    truth = (normals * [-1, 1, 1] + 1) / 2 * 255  # red is left, as ControlNet 1.1 has it
    assert np.abs(found - truth)[inner & is_hit].max() <= 2
    assert (found[~is_hit & (normals[..., 2] < 9)] == [128, 128, 255]).mean() > 0.98
    left, right = found[HEIGHT // 2, WIDTH // 2 - 20], found[HEIGHT // 2, WIDTH // 2 + 20]
    assert left[0] > 150 > 100 > right[0]
    assert found[HEIGHT // 2 - 20, WIDTH // 2, 1] > 150


def test_an_orthographic_camera_sees_depth_evenly(camera: Any) -> None:
    slope = add_plane("slope", size=(40, 40))
    slope.rotation_euler = (0, math.radians(20), 0)
    column = picture("depth")[HEIGHT // 2, :, 0]
    expected = np.linspace(255, 0, WIDTH)
    assert np.abs(column - expected).max() <= 0.51


def test_what_faces_away_is_turned_to_the_camera_and_mirrored_things_stay_right(
    lens: Any,
) -> None:
    plane = add_plane("plane", size=(40, 40))
    plane.rotation_euler = (math.radians(20), math.radians(10), 0)
    front = picture("normal")
    plane.data.flip_normals()
    assert np.abs(picture("normal") - front).max() <= 1
    plane.scale = (-40, 40, 1)
    assert np.abs(picture("normal") - front).max() <= 1
    normal = np.array(plane.matrix_world.to_3x3().normalized().col[2])
    normal *= np.sign(normal[2])
    assert np.abs(front - (normal * [-1, 1, 1] + 1) / 2 * 255).max() <= 1


def test_a_scaled_sphere_s_normals_are_an_ellipsoid_s(camera: Any) -> None:
    ball = sphere(0.5)
    ball.scale = (2, 1, 1)
    found = picture("normal")
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / 32
    y = (HEIGHT / 2 - np.arange(HEIGHT) - 0.5) / 32
    x, y = np.meshgrid(x, y)
    up = 1 - x**2 - (2 * y) ** 2
    gradient = np.stack([x / 4 * 4, 4 * y, 2 * np.sqrt(np.maximum(up, 0))], axis=-1)
    gradient[..., 0] = x
    normals = gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)
    inner = up > 0.1
    assert np.abs(found - (normals * [-1, 1, 1] + 1) / 2 * 255)[inner].max() <= 3


def test_the_edges_of_a_cube_are_its_edges_and_nothing_else(lens: Any) -> None:
    bpy.ops.mesh.primitive_cube_add(size=1)
    cube = bpy.context.object
    cube.rotation_euler = (math.radians(35), math.radians(40), math.radians(15))
    found = picture("edges")
    assert set(np.unique(found)) == {0, 255}
    lines = found[..., 0] > 0
    # Nine edges are seen: those of the three faces that face the camera.
    update()
    matrix = cube.matrix_world
    corners = {v.index: matrix @ v.co for v in cube.data.vertices}
    eye = lens.matrix_world.translation
    seen = set()
    for face in cube.data.polygons:
        normal = matrix.to_3x3() @ face.normal
        if normal.dot(eye - corners[face.vertices[0]]) > 0:
            seen |= {tuple(sorted(edge)) for edge in face.edge_keys}
    assert len(seen) == 9

    def on_frame(point: Any) -> Any:
        ahead = DISTANCE - point.z
        return np.array(
            [
                point.x / ahead / TAN * WIDTH / 2 + WIDTH / 2,
                HEIGHT / 2 - point.y / ahead / TAN * WIDTH / 2,
            ]
        )

    rows, columns = np.nonzero(lines)
    places = np.stack([columns + 0.5, rows + 0.5], axis=1)
    nearest = np.full(len(places), np.inf)
    covered = []
    for one, other in seen:
        a, b = on_frame(corners[one]), on_frame(corners[other])
        along = np.clip(((places - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
        distance = np.linalg.norm(places - a - along[:, None] * (b - a), axis=1)
        nearest = np.minimum(nearest, distance)
        steps = np.linspace(a, b, 50)
        gaps = np.linalg.norm(steps[:, None] - places[None], axis=2).min(axis=1)
        covered.append(gaps.max())
    assert nearest.max() < 1.5  # every line is an edge
    assert max(covered) < 1.5  # every edge is a line


def test_smooth_surfaces_have_an_outline_alone_and_flat_ones_their_creases(lens: Any) -> None:
    ball = sphere(0.8)
    lines = picture("edges")[..., 0] > 0
    rows, columns = np.nonzero(lines)
    x, y = (columns + 0.5 - WIDTH / 2) / 32, (rows + 0.5 - HEIGHT / 2) / 32
    outline = DISTANCE * math.tan(math.asin(0.8 / DISTANCE))
    assert np.abs(np.hypot(x, y) - outline).max() < 0.07
    assert len(rows) > 130
    bpy.data.objects.remove(ball)
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=1, radius=0.8)
    assert (picture("edges")[..., 0] > 0).sum() > 200


def test_steps_in_depth_are_lines_and_slopes_however_steep_are_none(lens: Any) -> None:
    ground = add_plane("ground", size=(40, 40))
    ground.rotation_euler = (math.radians(80), 0, 0)
    assert not picture("edges")[4:-4].any()
    add_plane("table", size=(1, 1), at=(0, 0, 2))
    assert 60 < (picture("edges")[..., 0] > 0).sum() < 200


def test_one_plane_in_two_parts_has_no_line_between_them(lens: Any) -> None:
    add_plane("left", size=(20, 40), at=(-10, 0, 0))
    add_plane("right", size=(20, 40), at=(10, 0, 0))
    assert not picture("edges").any()
    assert (picture("depth") == 255).all()  # as near as anything


def test_segments_have_the_colours_of_what_regions_and_things_are_called(camera: Any) -> None:
    add_plane("ground", size=(40, 40))
    door = add_plane("thing", size=(1, 1), at=(-1, 0, 0.1))
    add_plane("Tree.003", size=(1, 1), at=(1, 0, 0.1))
    segments = Segments(
        number_of=lambda owner, piece: int(owner == door),
        colours={1: region_colour("x", "a red door")},
        rectangles=[(Rectangle(row_init=0, row_end=64, col_init=0, col_end=8), (9, 9, 9))],
        background=(1, 2, 3),
    )
    found = picture("segmentation", segments=segments)
    assert tuple(found[32, 32]) == (8, 255, 51)  # ADE20K's door
    assert tuple(found[32, 96]) == (4, 200, 3)  # a tree
    assert tuple(found[32, 64]) == (120, 120, 70)  # earth
    bpy.data.objects.remove(bpy.data.objects["ground"])
    found = picture("segmentation", segments=segments)
    assert tuple(found[0, 0]) == (9, 9, 9)
    assert tuple(found[0, 64]) == (1, 2, 3)
    own = region_colour("id", "something else", "Cube.001")
    assert own == region_colour("id", "") != region_colour("other", "")


def test_an_empty_view_gives_pictures_all_the_same(camera: Any) -> None:
    assert not picture("depth").any()
    assert not picture("edges").any()
    assert (picture("normal") == [128, 128, 255]).all()
    assert not picture("segmentation").any()


def test_modifiers_instances_and_what_renders_alone_show_are_seen(lens: Any) -> None:
    plane = add_plane("plane", size=(0.5, 0.5), at=(-1.5, 0, 0))
    array = plane.modifiers.new("array", "ARRAY")
    array.count, array.relative_offset_displace[0] = 3, 1.5
    array.show_viewport = False
    depth = picture("depth")[32, :, 0] > 0
    assert (np.diff(depth.astype(int)) == 1).sum() + depth[0] == 3
    plane.hide_render = True
    assert not picture("depth").any()


def test_without_a_camera_it_is_said(scene: Any) -> None:
    with pytest.raises(EngineError, match="has no camera"):
        picture("depth")


def blocks_of(path: Path) -> list[tuple[Any, ...]]:
    """Return the blocks of a .blend, without where things lay in memory when it was saved."""
    content = path.read_bytes()
    is_large = content[7:9] == b"17"  # since 5.0: how long the file's header is
    head, at = struct.Struct("<4siQqq" if is_large else "<4siQii"), 17 if is_large else 12
    found, addresses = [], []
    while at < len(content):
        code, first, address, second, count = head.unpack_from(content, at)
        kind, size = (first, second) if is_large else (second, first)
        at += head.size
        found.append((code, kind, count, content[at : at + size]))
        addresses.append(address)
        at += size
    known = np.array(addresses, np.uint64)

    def plain(body: bytes) -> bytes:
        words = np.frombuffer(body[: len(body) // 8 * 8], np.uint64)
        # From 5.0 on they are hashes, of all that are written.
        is_address = ((words >= 2**40) & (words < 2**48)) | np.isin(words, known)
        return np.where(is_address, np.uint64(0), words).tobytes() + body[words.nbytes :]

    return [(*rest, plain(body)) for *rest, body in found]


def test_a_scene_is_byte_by_byte_the_same_afterwards(tmp_path: Path) -> None:
    scene = empty_scene(WIDTH, HEIGHT)
    add_camera(scene)
    bpy.ops.mesh.primitive_uv_sphere_add()
    ball = bpy.context.object
    ball.modifiers.new("levels", "SUBSURF").render_levels = 2
    ball.modifiers[0].levels = 0
    add_plane("ground", size=(4, 2), at=(0, 0, -1)).mixdiff.enabled = True
    update()

    def saved() -> Any:
        path = tmp_path / "scene.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=False)
        return blocks_of(path)

    saved()  # at which Blender itself counts things up
    before = saved()
    for kind in SCENE_PICTURES:
        picture(kind)
    assert saved() == before
    ball.location.x += 0.001
    assert saved() != before
