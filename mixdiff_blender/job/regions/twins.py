"""What renders are set otherwise for than the viewport, evaluated as the render will.

Blender evaluates for renders while it renders, and then alone. So objects that differ get a twin
whose settings for the viewport are those for the render, in a scene of its own that is gone right
after; nothing of the scene itself is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bpy

from ...properties import region_settings
from .instances import AT_PARTS, is_instanced_by_parent

_FOR_RENDERS = {
    "show_render": "show_viewport",
    "render_levels": "levels",
    "render_steps": "steps",
}
"""A modifier's settings for renders, and for the viewport."""
_NAMES_IN_VIEWPORTS = ("hide_viewport", *_FOR_RENDERS.values())
_SIMULATED = frozenset(
    {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE", "PARTICLE_INSTANCE"}
)
_echoing = False


def is_echo() -> bool:
    """Return whether an update of Blender's comes of twins that were there and are gone."""
    return _echoing


def differs(obj: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Return whether renders are set otherwise for an object, or for what it instances."""
    modifiers: Any = obj.modifiers
    if any(_modifier_differs(modifier, scene) for modifier in modifiers):
        return True
    if obj.instance_type in AT_PARTS and any(differs(child, scene) for child in obj.children):
        return True
    return obj.instance_collection is not None and _collection_differs(
        obj.instance_collection, scene
    )


def why_no_twin(obj: bpy.types.Object) -> str | None:
    """Return what of an object only the object itself has, or None where a twin would be alike."""
    modifiers: Any = obj.modifiers
    for modifier in modifiers:
        if modifier.type in _SIMULATED or (
            modifier.type == "PARTICLE_SYSTEM"
            and modifier.particle_system.settings.type == "EMITTER"
        ):
            return f"{modifier.name!r} simulates"
        if modifier.type == "NODES" and _has_node(modifier.node_group, "SimulationOutput"):
            return f"{modifier.name!r} simulates"
    return None


def asks_for_the_viewport(obj: bpy.types.Object) -> str | None:
    """Return the name of a modifier whose nodes ask whether they are in the viewport."""
    modifiers: Any = obj.modifiers
    asking = (
        m.name for m in modifiers if m.type == "NODES" and _has_node(m.node_group, "IsViewport")
    )
    return next(asking, None)


def settings_for_renders(obj: bpy.types.Object) -> tuple[Any, ...]:
    """Return what of an object's settings for renders changes without an update of Blender's."""
    return tuple(
        getattr(modifier, name, None) for modifier in obj.modifiers for name in _FOR_RENDERS
    )


@contextmanager
def twins(
    scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, objects: Iterable[bpy.types.Object]
) -> Iterator[tuple[bpy.types.Depsgraph, Mapping[bpy.types.Object, bpy.types.Object]]]:
    """Give objects twins for a while: yields the twins' depsgraph, and the twin of each object.

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
        yield layer.depsgraph, found
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
        self._twins: dict[bpy.types.Object, bpy.types.Object] = {}
        self._collections: dict[bpy.types.Collection, bpy.types.Collection] = {}
        self._source = scene
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
        """Return an object's twin, with what it instances."""
        if obj.parent and is_instanced_by_parent(obj) and obj.parent not in self._twins:
            self.twin(obj.parent)
        if obj in self._twins:
            return self._twins[obj]
        twin = self._twins[obj] = obj.copy()
        region_settings(twin).enabled = False
        drivers: Any = twin.animation_data.drivers if twin.animation_data else ()
        for driver in list(drivers):
            if driver.data_path.rpartition(".")[2] in _NAMES_IN_VIEWPORTS:
                drivers.remove(driver)
        twin.hide_viewport = False
        for modifier in twin.modifiers:
            for in_renders, in_viewports in _FOR_RENDERS.items():
                if hasattr(modifier, in_renders):
                    setattr(modifier, in_viewports, getattr(modifier, in_renders))
        self.scene.collection.objects.link(twin)
        if obj.instance_collection is not None:
            twin.instance_collection = self._collection(obj.instance_collection)
        if obj.instance_type in AT_PARTS:
            for child in obj.children:
                self.twin(child).parent = twin
        return twin

    def end(self) -> None:
        """Take all of it out of the file."""
        for twin in self._twins.values():
            bpy.data.objects.remove(twin)
        for collection in self._collections.values():
            bpy.data.collections.remove(collection)
        bpy.data.scenes.remove(self.scene)

    def _collection(self, source: bpy.types.Collection) -> bpy.types.Collection:
        if source in self._collections:
            return self._collections[source]
        twin = self._collections[source] = bpy.data.collections.new("MixDiff")
        twin.instance_offset = source.instance_offset
        for obj in source.objects:
            if not obj.hide_render:
                is_alike = not obj.hide_viewport and not differs(obj, self._source)
                twin.objects.link(obj if is_alike else self._unplaced(obj))
        for child in source.children:
            if not child.hide_render:
                twin.children.link(self._collection(child))
        return twin

    def _unplaced(self, obj: bpy.types.Object) -> bpy.types.Object:
        """Return the twin of what is only instanced."""
        known = obj in self._twins
        twin = self.twin(obj)
        if not known:
            self.scene.collection.objects.unlink(twin)
        return twin


def _modifier_differs(modifier: Any, scene: bpy.types.Scene) -> bool:
    if modifier.show_render != modifier.show_viewport:
        return True
    if not modifier.show_render:
        return False
    render = scene.render
    most, most_in_renders = (
        (render.simplify_subdivision, render.simplify_subdivision_render)
        if render.use_simplify and modifier.type in ("SUBSURF", "MULTIRES")
        else (99, 99)
    )
    return any(
        min(getattr(modifier, in_renders), most_in_renders)
        != min(getattr(modifier, in_viewports), most)
        for in_renders, in_viewports in _FOR_RENDERS.items()
        if hasattr(modifier, in_renders) and in_renders != "show_render"
    )


def _collection_differs(collection: bpy.types.Collection, scene: bpy.types.Scene) -> bool:
    return any(
        obj.hide_render != obj.hide_viewport or (not obj.hide_render and differs(obj, scene))
        for obj in collection.objects
    ) or any(
        child.hide_render != child.hide_viewport or _collection_differs(child, scene)
        for child in collection.children
    )


def _has_node(tree: Any, kind: str) -> bool:
    trees = [tree] if tree else []
    for found in trees:  # which grows
        for node in found.nodes:
            if node.bl_idname == f"GeometryNode{kind}":
                return True
            inner = getattr(node, "node_tree", None)
            if inner is not None and inner not in trees:
                trees.append(inner)
    return False
