"""What regions cover where nodes make it, while it is edited, and as the overlay reads it."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
import pytest
from addon import job_cache, scripting, shown
from scenes import add_plane, add_region, select, update
from seen import CELL_PX, only_place, row_of, said, to_collection

HOSTS = "wheels"

# --- Geometry nodes -----------------------------------------------------------------------------


def nodes_of(obj: Any) -> tuple[Any, Any, Any]:
    """Return a new tree of nodes of an object, what goes in, and where it comes out."""
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    obj.modifiers.new("nodes", "NODES").node_group = tree
    return tree, start.outputs[0], end.inputs[0]


@pytest.mark.parametrize("source", ["itself", "object", "object as instance", "collection"])
@pytest.mark.parametrize("only_in_renders", [False, True])
def test_instances_that_are_all_that_nodes_make_lie_where_renders_show_them(
    only_in_renders: bool, source: str, scene: Any, rendered: Callable[[], list[int]]
) -> None:
    chip = add_plane("chip", size=(0.25, 0.75), at=(50, 0, 0))
    chips = to_collection("chips", chip)
    scene.collection.children.link(chips)
    chip.hide_render, chips.hide_viewport = source != "collection", True
    lawn = add_region("lawn", "grass", size=(1, 1), at=(0.75, 0, 0))
    lawn.rotation_euler.z = 0.5
    tree, start, end = nodes_of(lawn)
    on_points = tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(start, on_points.inputs["Points"])
    if source == "itself":
        on_points.inputs["Scale"].default_value = (0.3, 0.3, 1)
        tree.links.new(start, on_points.inputs["Instance"])
    else:
        kind = "Collection" if source == "collection" else "Object"
        info = tree.nodes.new(f"GeometryNode{kind}Info")
        info.inputs[0].default_value = chips if source == "collection" else chip
        if source == "object as instance":
            info.inputs["As Instance"].default_value = True
        outputs = {output.name: output for output in info.outputs}
        geometry = outputs.get("Geometry") or outputs["Instances"]
        tree.links.new(geometry, on_points.inputs["Instance"])
    tree.links.new(on_points.outputs[0], end)
    lawn.modifiers[0].show_viewport = not only_in_renders
    if source == "collection":
        chip.location.x = 0
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    assert said("lawn") == []


@pytest.mark.parametrize("named", ["in the nodes", "in nested nodes", "as input", "as operand"])
def test_what_an_object_is_made_of_counts_as_renders_have_it(
    named: str, rendered: Callable[[], list[int]]
) -> None:
    row = row_of(6, True, at=-1)
    row.mixdiff.enabled, row.hide_render = False, True
    wall = add_region("wall", "bricks", size=(0.5, 0.5), at=(-0.75, 0, 0))
    if named == "as operand":
        wall.scale = (4, 2, 1)
        wall.modifiers.new("near", "SHRINKWRAP").target = row
        for obj in (wall, row):
            obj.location.x -= 0.25
        wall.location.x += 2
    else:
        tree, _, end = nodes_of(wall)
        info = tree.nodes.new("GeometryNodeObjectInfo")
        info.transform_space = "RELATIVE"
        tree.links.new(info.outputs["Geometry"], end)
        if named == "as input":
            tree.interface.new_socket("Row", in_out="INPUT", socket_type="NodeSocketObject")
            inputs = tree.nodes["Group Input"].outputs
            tree.links.new(inputs["Row"], info.inputs[0])
            identifier = inputs["Row"].identifier
            modifier = wall.modifiers[0]
            if hasattr(modifier, "properties"):
                getattr(modifier.properties.inputs, identifier).value = row
            else:
                modifier[identifier] = row
        else:
            info.inputs[0].default_value = row
        if named == "in nested nodes":
            inner = tree
            wall.modifiers.clear()
            tree, _, end = nodes_of(wall)
            group = tree.nodes.new("GeometryNodeGroup")
            group.node_tree = inner
            tree.links.new(group.outputs[0], end)
    assert np.abs(np.subtract(only_place(), rendered())).max() < CELL_PX
    row.modifiers[0].show_viewport = True
    again = only_place()
    row.modifiers[0].show_viewport = row.modifiers[0].show_render = False
    assert again != only_place()


def test_nodes_that_ask_for_the_viewport_are_said(camera: Any) -> None:
    lawn = add_region("lawn", "grass", size=(1, 1))
    tree, start, end = nodes_of(lawn)
    tree.links.new(start, end)
    update()
    assert said("lawn") == []
    inner = bpy.data.node_groups.new("inner", "GeometryNodeTree")
    inner.nodes.new("GeometryNodeIsViewport")
    tree.nodes.new("GeometryNodeGroup").node_tree = inner
    update()
    assert "'nodes' ask" in said("lawn")[0]


def test_what_is_edited_and_differs_lies_where_it_is_edited_to(camera: Any) -> None:
    row = row_of(2, True, at=0)
    select(row)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(1, 0, 0))
    found = only_place()
    bpy.ops.object.mode_set(mode="OBJECT")
    update()
    assert found == only_place() == [16, 48, 88, 120]


# --- The live overlay ---------------------------------------------------------------------------


def test_what_the_overlay_reads_settles_and_follows_what_changes(scene: Any, camera: Any) -> None:
    row = row_of(6, True)
    other = add_region("other", "grass", size=(3.5, 1))
    hidden = add_region("hidden", "sky", size=(1, 1))
    hidden.hide_viewport = True
    rounded = other.modifiers.new("round", "SUBSURF")
    rounded.levels, rounded.render_levels = 0, 0
    layer = bpy.context.view_layer

    def read() -> bool:
        """Return whether there was anything to read, with what Blender does after that."""
        job_cache.cached_job(scene, layer)
        is_due = bpy.app.timers.is_registered(job_cache.TIMERS[0])
        if is_due:
            bpy.app.timers.unregister(job_cache.TIMERS[0])
            job_cache.TIMERS[0]()
            layer.update()
        return is_due

    def seen(name: str) -> list[int]:
        job = job_cache.cached_job(scene, layer).job
        assert job is not None
        region = job.region(bpy.data.objects[name].mixdiff.uid)
        assert region is not None
        return [region.row_init, region.row_end, region.col_init, region.col_end]

    layer.update()
    layer.update()  # the first brings the list up to date, which is a change too
    assert [read() for _ in range(4)] == [True, False, False, False]
    assert seen("row") == [16, 48, 8, 104]
    for change, name, expected in (
        (lambda: setattr(row.location, "x", -1), "row", [16, 48, 24, 120]),
        (lambda: setattr(row.modifiers["Array"], "count", 2), "row", [16, 48, 24, 56]),
        (lambda: setattr(row.modifiers["Array"], "show_render", False), "row", [16, 48, 24, 40]),
        (lambda: setattr(other.location, "y", 0.5), "other", [0, 32, 8, 120]),
        (lambda: setattr(rounded, "render_levels", 3), "other", [0, 32, 16, 112]),
        (lambda: setattr(other.scale, "x", 1.75), "other", [0, 32, 40, 88]),
    ):
        change()
        layer.update()
        assert [read() for _ in range(3)] == [True, False, False]
        assert seen(name) == expected


def test_what_differs_is_evaluated_anew_only_when_it_has_changed(
    scene: Any, camera: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = row_of(6, True)
    other = add_region("other", "grass", size=(1, 1))
    made, real = [], shown.twins

    def counted(*given: Any) -> Any:
        made.append(given[2])
        return real(*given)

    monkeypatch.setattr(shown, "twins", counted)
    for change, expected in (
        (lambda: None, [[row]]),
        (lambda: setattr(other.location, "x", 1), []),
        (lambda: setattr(row.location, "x", -1), [[row]]),
        (row.data.update, [[row]]),
        (lambda: scene.frame_set(3), [[row]]),
        (lambda: setattr(row.modifiers["Array"], "show_viewport", True), []),
    ):
        made.clear()
        change()
        for _ in range(2):
            scripting.job()
        assert made == expected, change
