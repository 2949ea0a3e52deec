"""The surface of an object as a bake reads it: places, normals and UVs of its triangles.

Letters in shapes: N points, T triangles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...contract import EngineError
from ...job.controls.seen_triangles import unit
from ...job.regions.differences import Differences
from ...job.regions.projection import Floats, Ints
from ...job.regions.twins import twins

_TOUCHING = 1e-4  # of a tile: how far a UV may lie beyond its border
_COLUMNS = 10  # of UDIM tiles
_FIRST_TILE = 1001

Tile = tuple[int, int]
"""A square of the UV plane by its column and row, (0, 0) the one that every image has."""


class UnfitMapError(EngineError):
    """A UV map that is not one picture, nor one a tile."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="job")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UvSurface:
    """Triangles in their object's own space, as renders show them; where they face in the world."""

    points: Floats
    """(N, 3)."""
    triangles: Ints
    """(T, 3), indices of points."""
    normals: Floats
    """Which way each corner faces in the world as it is shaded, of any length; (T, 3, 3)."""
    faces: Floats
    """Which way each triangle faces in the world, by the turn of its corners; (T, 3), unit."""
    uvs: Floats
    """(T, 3, 2)."""
    to_world: Floats
    """(4, 4)."""
    uv_map: str

    def tiles(self) -> dict[Tile, NDArray[np.bool_]]:
        """Return the tiles of the UV plane that triangles lie in, and which lie in each; (T,).

        Raises: UnfitMapError where they lie in no tile, or reach over several.
        """
        lowest = np.floor(self.uvs.min(axis=1) + _TOUCHING).astype(int)  # (T, 2)
        highest = np.ceil(self.uvs.max(axis=1) - _TOUCHING).astype(int) - 1
        if (np.maximum(lowest, highest) > lowest).any():
            raise UnfitMapError("its UV map repeats the picture (faces reach beyond 0 to 1)")
        if (lowest < 0).any() or (lowest[:, 0] >= _COLUMNS).any():
            raise UnfitMapError("faces of its UV map lie where no UDIM tile is")
        found = {(int(u), int(v)) for u, v in np.unique(lowest, axis=0)}
        return {tile: (lowest == tile).all(axis=1) for tile in sorted(found, key=udim_number)}


def udim_number(tile: Tile) -> int:
    """Return the number that a tile's file carries."""
    return _FIRST_TILE + tile[0] + _COLUMNS * tile[1]


def uv_map_of(mesh: Any) -> str:
    """Return the name of the UV map that renders use of a mesh, an empty text for none."""
    layers = mesh.uv_layers
    shown = next((layer for layer in layers if layer.active_render), layers.active)
    return shown.name if shown else ""


def read_surfaces(
    scene: bpy.types.Scene,
    depsgraph: bpy.types.Depsgraph,
    slots: Mapping[bpy.types.Object, frozenset[int]],
    uv_map: str = "",
) -> dict[bpy.types.Object, UvSurface | EngineError]:
    """Return what renders show of objects, those faces whose material's slot is among `slots`.

    Without a UV map's name it is the one that renders use. In the place of an object that cannot
    be baked stands why, without its name.
    """
    objects = list(slots)
    differing = list(filter(Differences(scene).between, objects))
    found: dict[bpy.types.Object, UvSurface | EngineError] = {}
    if differing:
        with twins(scene, depsgraph, differing) as made:
            for obj, twin in made.of.items():
                if obj in slots:
                    found[obj] = _read(twin.evaluated_get(made.depsgraph), obj, slots[obj], uv_map)
    for obj in objects:
        if obj not in found:
            found[obj] = _read(obj.evaluated_get(depsgraph), obj, slots[obj], uv_map)
    return found


def _read(
    evaluated: bpy.types.Object, original: Any, slots: Iterable[int], uv_map: str
) -> UvSurface | EngineError:
    mesh: Any = evaluated.to_mesh()
    try:
        return _surface_of(mesh, original, slots, uv_map)
    except EngineError as error:
        return error
    finally:
        evaluated.to_mesh_clear()


def _surface_of(mesh: Any, original: Any, slots: Iterable[int], uv_map: str) -> UvSurface:
    if mesh is None or not len(mesh.polygons):
        raise EngineError("it has no faces", kind="job", advice="leave it out")
    name = uv_map or uv_map_of(mesh)
    if name not in mesh.uv_layers:
        raise EngineError(
            f"what renders show of it has no UV map {uv_map}".rstrip(),
            kind="job",
            advice="apply the modifiers that make its faces, or convert it to a mesh",
        )
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    triangles = _numbers(mesh.loop_triangles, "vertices", 3 * count, np.int32).reshape(-1, 3)
    corners = _numbers(mesh.loop_triangles, "loops", 3 * count, np.int32).reshape(-1, 3)
    faces = _numbers(mesh.loop_triangles, "polygon_index", count, np.int32)
    of_faces = _numbers(mesh.polygons, "material_index", len(mesh.polygons), np.int32)
    last = max(len(original.material_slots) - 1, 0)
    is_shown = np.isin(np.clip(of_faces, 0, last)[faces], list(slots))
    loops = len(mesh.loops)
    uvs = _numbers(mesh.uv_layers[name].uv, "vector", 2 * loops, np.float32).reshape(-1, 2)
    normals = _numbers(mesh.corner_normals, "vector", 3 * loops, np.float32).reshape(-1, 3)
    points = _numbers(mesh.vertices, "co", 3 * len(mesh.vertices), np.float32).reshape(-1, 3)
    places, triangles = points.astype(np.float64), triangles[is_shown]
    to_world = np.array(original.matrix_world, dtype=np.float64)
    one, two, three = places[triangles].transpose(1, 0, 2)
    found = UvSurface(
        points=places,
        triangles=triangles,
        normals=_in_world(normals[corners[is_shown]].astype(np.float64), to_world),
        faces=unit(_in_world(np.cross(two - one, three - one), to_world)),
        uvs=uvs[corners[is_shown]].astype(np.float64),
        uv_map=name,
        to_world=to_world,
    )
    if not np.isfinite(found.uvs).all() or not np.isfinite(found.points[found.triangles]).all():
        raise EngineError(
            "its faces or UVs hold numbers that are none",
            kind="job",
            advice="unwrap it anew (U in Edit Mode), or merge its vertices",
        )
    return found


def _in_world(normals: Floats, to_world: Floats) -> Floats:
    """Return which way normals of the object's space face in the world; (..., 3)."""
    axes = to_world[:3, :3]
    # Normals turn by cofactors, which every matrix has; mirrored, they keep their side.
    cofactors = np.stack([np.cross(axes[k - 2], axes[k - 1]) for k in range(3)])
    mirrored = -1.0 if np.linalg.det(axes) < 0 else 1.0
    found: Floats = np.einsum("...k,ck->...c", normals, cofactors * mirrored)
    return found


def _numbers(collection: Any, name: str, count: int, kind: Any) -> Any:
    values = np.empty(count, dtype=kind)
    collection.foreach_get(name, values)
    return values
