"""Hair as surfaces: curves, and strands of particles, as wide as renders show them.

A strand is two ribbons that cross along it: as wide as a round one on the mean of all directions
that it is looked at from. What is narrower than a sample is met by as many as its share is.

Letters in shapes: S strands, N points of all of them, in their order.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .projection import Floats, Ints

_MOST_POINTS = 2**13  # of strands; where there are more, some stand for several
_LAYERS = 6  # of strands over each other, as they stand closer in some places and taper off
_WIDTH = np.pi / (2 * np.sqrt(2))  # of a ribbon, so that the mean of both is that of a tube
_DEFAULT_RADIUS = 0.005  # that renders give to curves without any
_LEAST_LENGTH = 1e-9
_TURN = np.pi * (3 - np.sqrt(5))  # from strand to strand, so that they are turned all ways


def hair_of(obj: bpy.types.Object) -> list[int]:
    """Return the numbers of the particle systems whose strands a render shows."""
    if not obj.particle_systems:
        return []
    modifiers: Any = obj.modifiers
    shown = [m.particle_system for m in modifiers if m.type == "PARTICLE_SYSTEM" and m.show_render]
    return [
        number
        for number, system in enumerate(obj.particle_systems)
        if system in shown
        and (system.settings.type, system.settings.render_type) == ("HAIR", "PATH")
    ]


def strands_of_curves(evaluated: bpy.types.Object) -> tuple[Floats, Ints]:
    """Return the surface of an evaluated object's hair curves, in its own space."""
    curves: Any = evaluated.data
    count = len(curves.points)
    points = np.empty(count * 3, dtype=np.float32)
    curves.points.foreach_get("position", points)
    radii = np.full(count, _DEFAULT_RADIUS, dtype=np.float32)
    if (given := curves.attributes.get("radius")) is not None:
        given.data.foreach_get("value", radii)
    firsts = np.zeros(len(curves.curves) + 1, dtype=np.int32)
    if count:
        curves.curve_offset_data.foreach_get("value", firsts)
    lengths = np.diff(firsts)
    stride = _stride(count)
    is_kept = np.repeat(np.arange(len(lengths)) % stride == 0, lengths)
    places = points.reshape(-1, 3).astype(np.float64)
    kept_radii = radii[is_kept].astype(np.float64)
    return ribbons(places[is_kept], lengths[::stride], kept_radii, stands_for=stride)


def strands_of_particles(evaluated: bpy.types.Object, number: int) -> tuple[Floats, Ints]:
    """Return the surface of an evaluated object's particle hair, in the object's space."""
    system = evaluated.particle_systems[number]
    settings: Any = system.settings
    parents, children = len(system.particles), len(system.child_particles)
    # Where there are children, renders show these alone.
    first, last = (parents, parents + children) if children else (0, parents)
    along = 2**settings.display_step + 1
    stride = _stride((last - first) * along)
    found = [
        system.co_hair(object=evaluated, particle_no=strand, step=step)
        for strand in range(first, last, stride)
        for step in range(along)
    ]
    from_world = np.array(evaluated.matrix_world.inverted_safe(), dtype=np.float64)
    points = np.array(found, dtype=np.float64).reshape(-1, 3)
    points = points @ from_world[:3, :3].T + from_world[:3, 3]
    stands_for = stride * (_more_in_renders(settings) if children else 1.0)
    strands = len(points) // along
    radii = np.tile(_radii(settings, along), strands)
    return ribbons(points, np.full(strands, along), radii, stands_for=stands_for)


def ribbons(
    points: Floats, lengths: Ints, radii: Floats, *, stands_for: float = 1.0
) -> tuple[Floats, Ints]:
    """Return strands as crossed ribbons, each of which stands for some.

    So they are as many times as wide, but no wider than it takes to cover what they stand in.

    Shapes: points (N, 3), lengths (S,) in points, radii (N,) → (4 N, 3), triangles.
    """
    count = len(points)
    if count < 2:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int32)
    is_last = np.zeros(count, dtype=bool)
    is_last[np.cumsum(lengths)[lengths > 0] - 1] = True
    starts = np.flatnonzero(~is_last)  # of segments
    steps = points[starts + 1] - points[starts]
    tangents = np.zeros((count, 3))
    tangents[starts] += steps
    tangents[starts + 1] += steps
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), _LEAST_LENGTH)
    aside = np.eye(3)[np.argmin(np.abs(tangents), axis=1)]  # what is least along it
    one = np.cross(tangents, aside)
    one /= np.maximum(np.linalg.norm(one, axis=1, keepdims=True), _LEAST_LENGTH)
    other = np.cross(tangents, one)
    turns = np.repeat(np.arange(len(lengths)) * _TURN, lengths)[:, None]
    lies_in = np.ptp(points, axis=0)
    mean_area = float(lies_in @ np.roll(lies_in, 1)) / 2  # of its box, seen from all around
    own_area = float((np.linalg.norm(steps, axis=1) * 2 * radii[starts]).sum())
    enough = _LAYERS * mean_area / own_area if own_area else 1.0
    reach = (radii * min(stands_for, max(1.0, enough)) * _WIDTH)[:, None]
    along_one, along_other = np.cos(turns) * reach, np.sin(turns) * reach
    one, other = along_one * one + along_other * other, along_one * other - along_other * one
    corners = np.stack([points - one, points + one, points - other, points + other], axis=1)
    begins = 4 * starts[np.linalg.norm(steps, axis=1) > _LEAST_LENGTH]
    quads = np.array([[0, 1, 5], [0, 5, 4], [2, 3, 7], [2, 7, 6]])
    triangles = (begins[:, None, None] + quads).reshape(-1, 3)
    return corners.reshape(-1, 3), triangles.astype(np.int32)


def _stride(count: int) -> int:
    """Return of how many strands one is read, so as to have no more points than are quick."""
    return max(1, -(-count // _MOST_POINTS))


def _more_in_renders(settings: Any) -> float:
    """Return how many children renders have for one that there is in viewports."""
    shown, rendered = settings.child_percent, settings.rendered_child_count
    return float(rendered / shown) if shown and rendered else 1.0


def _radii(settings: Any, along: int) -> Floats:
    """Return how wide a strand is at its points, as Cycles has it."""
    scale, shape = settings.radius_scale * 0.5, settings.shape
    root, tip = settings.root_radius * scale, settings.tip_radius * scale
    shares = np.linspace(1, 0, along) ** (1 + shape if shape < 0 else 1 / max(1 - shape, 1e-3))
    radii: Floats = tip + (root - tip) * shares
    if settings.use_close_tip:
        radii[-1] = 0
    return radii
