"""The tool that draws regions over the camera's view, one after the other, and moves them there."""

from __future__ import annotations

from typing import Any

import bpy

from ..dragging import is_camera_view
from ..moving import held_under
from ..operators.base import ReportingOperator, Result
from ..operators.drawing import DrawRegion
from ..operators.placing import PlaceRegion
from ..operators.selection import camera_problem

_CURSOR = "CROSSHAIR"


class ShowGrip(ReportingOperator):
    """Let the mouse cursor show what a drag would do"""

    bl_idname = "mixdiff.show_grip"
    bl_label = "Show MixDiff Grip"
    bl_options = {"INTERNAL"}
    requirements = (camera_problem,)

    def invoke(self, context: Any, event: Any) -> Result:
        """Set the cursor, and leave the event to others."""
        held = None if event.shift else held_under(context, event)
        context.window.cursor_set(held[1].cursor if held else _CURSOR)
        return {"PASS_THROUGH"}

    def run(self, context: Any) -> Result:
        """Do nothing where there is no mouse."""
        return {"PASS_THROUGH"}


def _press(operator: type[ReportingOperator], *keys: str, **settings: Any) -> Any:
    event = {"type": "LEFTMOUSE", "value": "PRESS", **dict.fromkeys(keys, True)}
    return operator.bl_idname, event, {"properties": list(settings.items())}


class DrawRegionsTool(bpy.types.WorkSpaceTool):
    """Draws, moves and scales drawn regions."""

    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = "mixdiff.draw_regions"
    bl_label = "Draw Regions"
    bl_description = (
        "Drag over the camera's view to draw regions of the picture, one after the other.\n"
        "Drag one by its inside to move it, by a side or corner to scale it.\n"
        "Shift: draw over others. Ctrl: snap to the model's grid"
    )
    bl_icon = "ops.gpencil.primitive_box"
    bl_cursor = _CURSOR
    # Blender may ask these in any order: each leaves to the other what is not its own.
    bl_keymap = (
        (ShowGrip.bl_idname, {"type": "MOUSEMOVE", "value": "ANY", "any": True}, None),
        _press(PlaceRegion),
        _press(PlaceRegion, "ctrl"),
        _press(DrawRegion, wait_for_input=False),
        _press(DrawRegion, "ctrl", wait_for_input=False),
        _press(DrawRegion, "shift", wait_for_input=False, over_others=True),
        _press(DrawRegion, "shift", "ctrl", wait_for_input=False, over_others=True),
    )

    @staticmethod
    def draw_settings(context: Any, layout: Any, tool: Any) -> None:
        """Say what is missing, or what a drag does."""
        if lack := camera_problem(context):
            layout.label(text=lack, icon="ERROR")
        elif context.area.type == "VIEW_3D" and not is_camera_view(context):
            layout.operator(
                "view3d.view_camera", text="Look through the Camera", icon="CAMERA_DATA"
            )
        else:
            layout.label(text="Drag: draw, move or scale  ·  Shift: draw over others")


def register() -> None:
    """Put the tool into the toolbar."""
    bpy.utils.register_tool(DrawRegionsTool, separator=True)


def unregister() -> None:
    """Take it out again."""
    bpy.utils.unregister_tool(DrawRegionsTool)


CLASSES = (ShowGrip,)
