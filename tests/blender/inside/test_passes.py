"""Region passes beside a result, and one region graded alone in the compositor."""

from typing import Any

import bpy
import numpy as np
import pytest
import scenes
from addon import EngineError, history, passes, scripting

HOSTS = "oldest and newest"


@pytest.fixture
def made(street: Any, tmp_path: Any) -> Any:
    """A street's scene with its picture, and the camera that renders it."""
    street.cycles.samples = 1
    street.view_settings.view_transform = "Standard"
    scripting.generate(street, output=tmp_path / "picture.png")
    return street


def grade_of(scene: Any) -> Any:
    new = hasattr(scene, "compositing_node_group")
    tree = scene.compositing_node_group if new else scene.node_tree
    return [node for node in tree.nodes if node.bl_idname == "CompositorNodeHueSat"]


def test_passes_lie_beside_the_picture(made: Any, tmp_path: Any) -> None:
    assert bpy.ops.mixdiff.write_passes() == {"FINISHED"}
    image = bpy.data.images.load(str(tmp_path / "picture-passes.exr"))
    node = bpy.data.node_groups.new("look", "CompositorNodeTree").nodes.new("CompositorNodeImage")
    node.image = image
    node.layer = "Regions"
    named = {socket.name for socket in node.outputs}
    regions = {region.name for region in scripting.regions(made)}
    assert regions <= named


def test_long_names_are_found_by_blender(made: Any, tmp_path: Any) -> None:
    bpy.data.objects["left"].name = name = "a house that stands far away on the left of it"
    scripting.generate(made, output=tmp_path / "long.png")
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert bpy.ops.mixdiff.grade_region(region=name) == {"FINISHED"}
    (grade,) = grade_of(made)
    assert [s.is_linked for s in grade.inputs if s.name in ("Fac", "Factor")] == [True]


def test_one_region_is_graded_alone(made: Any, tmp_path: Any) -> None:
    names = [region.name for region in scripting.regions(made)]
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    before = scenes.render(made, tmp_path / "before.png").astype(int)
    assert bpy.ops.mixdiff.grade_region(region=names[0]) == {"FINISHED"}
    assert np.abs(scenes.render(made, tmp_path / "same.png").astype(int) - before).max() <= 1
    (grade,) = grade_of(made)
    grade.inputs["Value"].default_value = 0.2
    changed = np.abs(scenes.render(made, tmp_path / "graded.png").astype(int) - before).max(-1)
    assert bpy.ops.mixdiff.write_passes() == {"FINISHED"}
    folder = tmp_path / "shares"
    scripting.write_passes(folder, made)
    share = scenes.pixels(folder / f"{names[0]}.png")[..., 0] / 255
    assert changed[share < 0.001].max() <= 1
    assert changed[share > 0.9].mean() > 20
    # Once more, and the picture brought up to date: the grade stays as it is set.
    bpy.ops.mixdiff.grade_region(region=names[0])
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert [round(node.inputs["Value"].default_value, 3) for node in grade_of(made)] == [0.2]
    again = np.abs(scenes.render(made, tmp_path / "again.png").astype(int) - before).max(-1)
    assert np.abs(again - changed).max() <= 1
    bpy.ops.mixdiff.take_off(use="mixdiff.use_in_compositor")
    assert not grade_of(made)


def test_a_grade_that_comes_too_late_is_told_and_nothing_stands_still(
    made: Any, tmp_path: Any
) -> None:
    def too_late(layers: dict[str, str]) -> None:
        made.mixdiff.history.clear()
        raise EngineError("not graded", kind="job", advice="grade it again")

    with pytest.raises(EngineError, match="not graded; grade it again"):
        passes.task.start(tmp_path / "picture.png", too_late)
    assert not passes.task.is_active
    assert str(passes.task.error) == "not graded; grade it again"


def test_a_region_that_is_not_there_is_told(made: Any) -> None:
    with pytest.raises(RuntimeError, match="has no region 'nobody'"):
        bpy.ops.mixdiff.grade_region(region="nobody")


def test_a_picture_that_is_gone_is_told(made: Any) -> None:
    history.path_of(history.active_entry(made)).unlink()
    with pytest.raises(RuntimeError, match=r"picture\.png"):
        bpy.ops.mixdiff.write_passes()
