"""What of an object is set otherwise for renders than for the viewport."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .instances import AT_PARTS

FOR_RENDERS = {
    "show_render": "show_viewport",
    "render_levels": "levels",
    "render_steps": "steps",
}
"""A modifier's settings for renders, and for the viewport."""
_SIMULATED = frozenset(
    {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE", "PARTICLE_INSTANCE"}
)
_ANY_LEVEL = 99
_MADE_MESHES = frozenset({"CURVE", "SURFACE", "FONT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where an object or nodes name another object, or a collection."""

    holder: Any
    name: str
    is_item: bool = False

    @property
    def value(self) -> Any:
        """What is named there."""
        return self.holder.get(self.name) if self.is_item else getattr(self.holder, self.name)

    def put(self, value: Any) -> None:
        """Name another one there."""
        if self.is_item:
            self.holder[self.name] = value
        else:
            setattr(self.holder, self.name, value)


def links_of(obj: bpy.types.Object) -> Iterator[Link]:
    """Return where an object names what it is made of, apart from what its nodes name."""
    if obj.instance_collection is not None:
        yield Link(holder=obj, name="instance_collection")
    modifiers: Any = obj.modifiers
    for modifier in modifiers:
        for declared in modifier.bl_rna.properties:
            if declared.type == "POINTER" and _names(getattr(modifier, declared.identifier)):
                yield Link(holder=modifier, name=declared.identifier)
        if modifier.type == "NODES" and modifier.node_group:
            yield from _inputs_of(modifier)


def links_of_nodes(tree: Any) -> Iterator[Link]:
    """Return where nodes name objects or collections."""
    for node in tree.nodes:
        for socket in node.inputs:
            if _names(getattr(socket, "default_value", None)):
                yield Link(holder=socket, name="default_value")


def trees_in(holder: Any) -> Iterator[Link]:
    """Return where an object's modifiers, or nodes, name nodes."""
    if isinstance(holder, bpy.types.Object):
        modifiers: Any = holder.modifiers
        named = [Link(holder=m, name="node_group") for m in modifiers if m.type == "NODES"]
    else:
        named = [Link(holder=n, name="node_tree") for n in holder.nodes if hasattr(n, "node_tree")]
    yield from (link for link in named if link.value is not None)


class Differences:
    """What differs between a scene's renders and the viewport; each thing is looked at once."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        render = scene.render
        simplified = (render.simplify_subdivision, render.simplify_subdivision_render)
        self._most = simplified if render.use_simplify else (_ANY_LEVEL, _ANY_LEVEL)
        self._known: dict[Any, bool] = {None: False}

    def between(self, thing: Any) -> bool:
        """Return whether renders show an object, a collection, or what nodes make otherwise."""
        if thing not in self._known:
            self._known[thing] = False  # for what names itself
            match thing:
                case bpy.types.Object():
                    found = self.within(thing) or self.beyond(thing)
                case bpy.types.Collection():
                    found = self._of_collection(thing)
                case _:
                    found = self._of_links(links_of_nodes(thing), trees_in(thing))
            self._known[thing] = found
        return self._known[thing]

    def within(self, obj: bpy.types.Object) -> bool:
        """Return whether an object itself is set otherwise for renders."""
        modifiers: Any = obj.modifiers
        if may_be_subdivided_by_gpu(obj):
            return True
        return any(self._of_modifier(modifier) for modifier in modifiers)

    def beyond(self, obj: bpy.types.Object) -> bool:
        """Return whether what an object is made of or shows is set otherwise for renders."""
        shown = obj.children if obj.instance_type in AT_PARTS else ()
        return any(map(self.between, shown)) or self._of_links(links_of(obj), trees_in(obj))

    def _of_links(self, *links: Iterator[Link]) -> bool:
        return any(self.between(link.value) for some in links for link in some)

    def _of_collection(self, collection: bpy.types.Collection) -> bool:
        members = [*collection.objects, *collection.children]
        return collection.hide_render != collection.hide_viewport or any(
            member.hide_render != member.hide_viewport
            or (not member.hide_render and self.between(member))
            for member in members
        )

    def _of_modifier(self, modifier: Any) -> bool:
        if modifier.show_render != modifier.show_viewport:
            return True
        if not modifier.show_render:
            return False
        most, most_in_renders = self._most
        if modifier.type not in ("SUBSURF", "MULTIRES"):
            most = most_in_renders = _ANY_LEVEL
        return any(
            min(getattr(modifier, in_renders), most_in_renders)
            != min(getattr(modifier, in_viewports), most)
            for in_renders, in_viewports in FOR_RENDERS.items()
            if hasattr(modifier, in_renders)
        )


def may_be_subdivided_by_gpu(obj: bpy.types.Object) -> bool:
    """Return whether Blender may leave an object's last subdivision to the graphics card.

    Of a mesh it is made where it is asked for, of curves and texts it is missing then.
    """
    modifiers: Any = obj.modifiers
    shown = [modifier.type for modifier in modifiers if modifier.show_render]
    return obj.type in _MADE_MESHES and shown[-1:] == ["SUBSURF"]


def settings_for_renders(obj: bpy.types.Object) -> tuple[Any, ...]:
    """Return what of an object's settings for renders changes without an update of Blender's."""
    return tuple(
        getattr(modifier, name, None) for modifier in obj.modifiers for name in FOR_RENDERS
    )


def why_no_twin(obj: bpy.types.Object) -> str | None:
    """Return what of an object only the object itself has, or None where a twin would be alike."""
    if obj.rigid_body is not None:
        return "its rigid body simulates"
    modifiers: Any = obj.modifiers
    for modifier in modifiers:
        if (
            modifier.type in _SIMULATED
            or (
                modifier.type == "PARTICLE_SYSTEM"
                and modifier.particle_system.settings.type == "EMITTER"
            )
            or (modifier.type == "NODES" and _has_node(modifier.node_group, "SimulationOutput"))
        ):
            return f"{modifier.name!r} simulates"
    return None


def asks_for_the_viewport(obj: bpy.types.Object) -> str | None:
    """Return the name of a modifier whose nodes ask whether they are in the viewport."""
    modifiers: Any = obj.modifiers
    with_nodes = (modifier for modifier in modifiers if modifier.type == "NODES")
    asking = (m.name for m in with_nodes if _has_node(m.node_group, "IsViewport"))
    return next(asking, None)


def _inputs_of(modifier: Any) -> Iterator[Link]:
    identifiers = [
        item.identifier
        for item in modifier.node_group.interface.items_tree
        if item.item_type == "SOCKET"
        and item.in_out == "INPUT"
        and item.socket_type in ("NodeSocketObject", "NodeSocketCollection")
    ]
    for name in identifiers:
        if hasattr(modifier, "properties"):  # from Blender 5.2 on
            link = Link(holder=getattr(modifier.properties.inputs, name), name="value")
        else:
            link = Link(holder=modifier, name=name, is_item=True)
        if link.value is not None:
            yield link


def _names(value: Any) -> bool:
    return isinstance(value, bpy.types.Object | bpy.types.Collection)


def _has_node(tree: Any, kind: str) -> bool:
    trees = [tree] if tree else []
    for found in trees:  # which grows
        if any(node.bl_idname == f"GeometryNode{kind}" for node in found.nodes):
            return True
        trees += [link.value for link in trees_in(found) if link.value not in trees]
    return False
