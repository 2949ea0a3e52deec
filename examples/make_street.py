"""Makes street.blend: a blocked-out street whose parts are regions, seen by a camera.

Run it inside the oldest Blender that the extension supports, so that every version opens the
file, with the extension enabled and the file to write as its argument.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import radians
from pathlib import Path
from typing import Any

import bmesh
import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

CUTS = 40  # so fine that a picture seen through the camera's UV map shows no bent lines
GUIDANCE = 5.0  # the bundled model wants less than large ones do
EYE_M = (0.0, -8.0, 2.2)

# Regions fill their places with soft edges; where two overlap, what is nearer has more weight.
FEATHER_PX = 96
SKY, HOUSE, GRASS, ROAD = 0.001, 1.0, 30.0, 1000.0

Point = tuple[float, float, float]


def quad(mesh: Any, corners: Sequence[Point]) -> None:
    """Add a face, cut into a grid."""
    vertices = [mesh.verts.new(corner) for corner in corners]
    face = mesh.faces.new(vertices)
    bmesh.ops.subdivide_edges(mesh, edges=face.edges[:], cuts=CUTS, use_grid_fill=True)


def add_object(name: str, prompt: str, weight: float, quads: Sequence[Sequence[Point]]) -> None:
    """Add a mesh of grids that is a region with a prompt."""
    edited = bmesh.new()
    for corners in quads:
        quad(edited, corners)
    mesh = bpy.data.meshes.new(name)
    edited.to_mesh(mesh)
    edited.free()
    made: Any = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(made)
    made.mixdiff.enabled = True
    made.mixdiff.type = "text2image"
    made.mixdiff.prompt = prompt
    made.mixdiff.guidance_scale = GUIDANCE
    made.mixdiff.mask_type = "feather"
    made.mixdiff.feather_px = FEATHER_PX
    made.mixdiff.mask_weight = weight


def add_ground(
    name: str, prompt: str, weight: float, *, left: float, right: float, height: float
) -> None:
    """Add a strip of ground along the street."""
    near, far = -4.0, 40.0
    corners = [(left, near, height), (right, near, height), (right, far, height)]
    add_object(name, prompt, weight, [[*corners, (left, far, height)]])


def add_house(name: str, prompt: str, inner: float, outer: float, height: float) -> None:
    """Add the two walls of a house that the camera sees."""
    near, far = -4.0, 8.0
    along: list[Point] = [(inner, near, 0), (inner, far, 0), (inner, far, height)]
    across: list[Point] = [(inner, far, 0), (outer, far, 0), (outer, far, height)]
    walls = [[*along, (inner, near, height)], [*across, (inner, far, height)]]
    add_object(name, prompt, HOUSE, walls)


def add_camera(scene: Any) -> None:
    """Look down the street."""
    lens: Any = bpy.data.cameras.new("Camera")
    lens.lens = 24
    camera = bpy.data.objects.new("Camera", lens)
    camera.location = EYE_M
    camera.rotation_euler = (radians(90), 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera


def map_from_camera(scene: Any, item: Any) -> None:
    """Give a mesh a UV map that holds where the camera sees each corner."""
    layer = item.data.uv_layers.new(name="From camera")
    for loop in item.data.loops:
        point: Vector = item.matrix_world @ item.data.vertices[loop.vertex_index].co
        across, up, _ = world_to_camera_view(scene, scene.camera, point)
        layer.data[loop.index].uv = (across, up)


def make_scene(scene: Any) -> None:
    """Fill an empty scene."""
    scene.name = "Street"
    scene.render.resolution_x, scene.render.resolution_y = 1024, 512
    add_camera(scene)
    sky = [(-40.0, 40.0, -1.0), (40.0, 40.0, -1.0), (40.0, 40.0, 24.0), (-40.0, 40.0, 24.0)]
    add_object("Sky", "blue sky with clouds", SKY, [sky])
    add_house("House left", "red brick wall", -5.0, -14.0, 9.0)
    add_house("House right", "brown brick wall", 5.0, 14.0, 8.0)
    add_ground("Road", "grey cobblestone", ROAD, left=-2.6, right=2.6, height=0.0)
    add_ground("Grass left", "green grass", GRASS, left=-6.0, right=-2.4, height=-0.02)
    add_ground("Grass right", "green grass", GRASS, left=2.4, right=6.0, height=-0.02)
    bpy.context.view_layer.update()
    for item in scene.objects:
        if item.type == "MESH":
            map_from_camera(scene, item)

    scene.mixdiff.model = "bundled"
    scene.mixdiff.canvas_size = "render"
    scene.mixdiff.nearer_first = False  # the weights say it
    scene.mixdiff.seed = 7178915308
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 8
    scene.cycles.use_denoising = False
    scene.view_settings.view_transform = "Standard"


def main(output: Path) -> None:
    """Write the file."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    make_scene(bpy.context.scene)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(output.absolute()), compress=True)


if __name__ == "__main__":
    main(Path(sys.argv[-1]))
