"""What renders are set otherwise for than the viewport, evaluated as the render will.

Blender evaluates for renders while it renders, and then alone. So objects that differ get a twin
whose settings for the viewport are those for the render, in a scene of its own that is gone right
after; nothing of the scene itself is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from ...properties import region_settings
from .differences import (
    FOR_RENDERS,
    Differences,
    Link,
    links_of,
    links_of_nodes,
    may_be_subdivided_by_gpu,
    trees_in,
)
from .instances import AT_PARTS, is_instanced_by_parent

_NAMES_IN_VIEWPORTS = ("hide_viewport", *FOR_RENDERS.values())
_echoing = False


def is_echo() -> bool:
    """Return whether an update of Blender's comes of twins that were there and are gone."""
    return _echoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Objects set for the viewport as they are for renders, and the depsgraph that has them."""

    depsgraph: bpy.types.Depsgraph
    of: Mapping[bpy.types.Object, bpy.types.Object]
    """The twin of each object that was asked for."""
    originals: Mapping[bpy.types.Object, bpy.types.Object]
    """What each twin stands for, also of those that others show."""


@contextmanager
def twins(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, objects: Iterable[bpy.types.Object]
) -> Iterator[Twins]:
    """Give objects twins for a while.

    Writes to the file: not while Blender draws. A depsgraph is the same afterwards, but what it has
    evaluated has to be asked for again.
    """
    depsgraph.update()  # so that the update afterwards is an echo and nothing else
    world = _World(scene)
    try:
        found = {obj: world.twin(obj) for obj in objects}
        layer = world.scene.view_layers[0]
        layer.update()
        assert layer.depsgraph is not None
        yield Twins(depsgraph=layer.depsgraph, of=found, originals=world.originals)
    finally:
        world.end()
        _take_in(depsgraph)


def _take_in(depsgraph: bpy.types.Depsgraph) -> None:
    """Have Blender note that the twins are gone, which is no change of any scene."""
    global _echoing
    windows = bpy.data.window_managers[0].windows if bpy.data.window_managers else ()
    seen = [depsgraph, *(window.view_layer.depsgraph for window in windows)]
    _echoing = True
    try:
        for graph in seen:
            if graph is not None:
                graph.update()
    finally:
        _echoing = False


class _World:
    """A scene like another one as it renders, without what is in it."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.scene = bpy.data.scenes.new("MixDiff looks at what renders show")
        self._differences = Differences(scene)
        self._made: dict[Any, Any] = {}
        self.scene.frame_current, self.scene.frame_subframe = (
            scene.frame_current,
            scene.frame_subframe,
        )
        self.scene.camera = scene.camera
        self.scene.use_gravity, self.scene.gravity = scene.use_gravity, scene.gravity
        render, own = scene.render, self.scene.render
        own.fps, own.fps_base = render.fps, render.fps_base
        own.use_simplify = render.use_simplify
        own.simplify_subdivision = render.simplify_subdivision_render
        own.simplify_child_particles = render.simplify_child_particles_render

    def twin(self, obj: bpy.types.Object) -> bpy.types.Object:
        """Return an object's twin, with what shows it and what it shows."""
        if obj.parent and is_instanced_by_parent(obj) and obj.parent not in self._made:
            self.twin(obj.parent)
        twin = self._twin(obj)
        if not twin.users_collection:
            self.scene.collection.objects.link(twin)
        if obj.instance_type in AT_PARTS:
            for child in obj.children:
                if child not in self._made:
                    self.twin(child).parent = twin
        return twin

    @property
    def originals(self) -> dict[bpy.types.Object, bpy.types.Object]:
        """What each twin of an object stands for."""
        made = self._made.items()
        return {twin: obj for obj, twin in made if isinstance(obj, bpy.types.Object)}

    def end(self) -> None:
        """Take all of it out of the file."""
        bpy.data.batch_remove([*self._made.values(), self.scene])  # far quicker than one by one

    def _twin(self, obj: bpy.types.Object) -> bpy.types.Object:
        known: bpy.types.Object | None = self._made.get(obj)
        if known is not None:
            return known
        twin = self._made[obj] = obj.copy()
        region_settings(twin).enabled = False
        drivers: Any = twin.animation_data.drivers if twin.animation_data else ()
        for driver in list(drivers):
            if driver.data_path.rpartition(".")[2] in _NAMES_IN_VIEWPORTS:
                drivers.remove(driver)
        twin.hide_viewport = False
        for modifier in twin.modifiers:
            for in_renders, in_viewports in FOR_RENDERS.items():
                if hasattr(modifier, in_renders):
                    setattr(modifier, in_viewports, getattr(modifier, in_renders))
        if may_be_subdivided_by_gpu(obj):
            twin.modifiers.new("after the subdivision", "TRIANGULATE")
        self._swap([*trees_in(twin), *links_of(twin)])
        return twin

    def _swap(self, links: Iterable[Link]) -> None:
        """Have what differs stood for by its twin where it is named."""
        for link in links:
            if self._differences.between(link.value):
                link.put(self._stand_in(link.value))

    def _stand_in(self, thing: Any) -> Any:
        if thing in self._made:
            return self._made[thing]
        if isinstance(thing, bpy.types.Object):
            return self._twin(thing)
        if isinstance(thing, bpy.types.Collection):
            return self._collection(thing)
        tree = self._made[thing] = thing.copy()
        self._swap([*trees_in(tree), *links_of_nodes(tree)])
        return tree

    def _collection(self, source: bpy.types.Collection) -> bpy.types.Collection:
        twin = self._made[source] = bpy.data.collections.new(source.name)
        twin.instance_offset = source.instance_offset
        twin.hide_viewport = source.hide_render
        for obj in source.objects:
            if not obj.hide_render:
                is_alike = not (obj.hide_viewport or self._differences.between(obj))
                twin.objects.link(obj if is_alike else self._twin(obj))
        for child in source.children:
            twin.children.link(self._made.get(child) or self._collection(child))
        return twin
