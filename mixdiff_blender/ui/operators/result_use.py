"""What all uses of the picture have in common."""

from __future__ import annotations

from typing import Any

import bpy

from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...results import history
from ...results.framing import hidden_by_sequencer, misfit
from ...results.sequence import follow
from .base import RENDER_MENU, Requirement, UndoableOperator, require

OBJECT_MENU = "VIEW3D_MT_object"
NO_IMAGE = "There is no picture yet; generate one"


def result_in(context: Any) -> bpy.types.Image | None:
    """Return the picture of the scene that is worked on."""
    return canvas_settings(scene_in(context)).result


class ResultUse(UndoableOperator):
    """A way to use the picture: stands in a menu, and where it has buttons in the panel too."""

    requirements: tuple[Requirement, ...] = (require(result_in, NO_IMAGE),)
    menu = RENDER_MENU
    buttons: tuple[tuple[str, dict[str, str]], ...] = ()
    """The text of each button in the panel, and the settings with which it runs."""

    @classmethod
    def applied(cls, image: bpy.types.Image, context: Any) -> str:
        """Return how the picture is used in this way now, by `described_by`'s item; empty if not.

        A way without such a choice returns any other text.
        """
        return ""

    @classmethod
    def take_off(cls, image: bpy.types.Image, context: Any) -> None:
        """Give back what the picture took the place of."""
        raise NotImplementedError

    def run(self, context: Any) -> None:
        """Use the picture."""
        image = result_in(context)
        assert image is not None
        self.use(image, context)
        follow(image)

    def use(self, image: bpy.types.Image, context: Any) -> None:
        """Use an image.

        Raises: EngineError, which becomes the report.
        """
        raise NotImplementedError

    def say_how_renders_differ(
        self, image: bpy.types.Image, context: Any, *, fills_frame: bool
    ) -> None:
        """Warn where renders do not show the picture, or not as it was made."""
        scene = scene_in(context)
        depsgraph, entry = context.evaluated_depsgraph_get(), history.active_entry(scene)
        unlike = misfit(scene, depsgraph, image, entry) if fills_frame else ""
        for text in (hidden_by_sequencer(scene), unlike):
            if text:
                self.report({"WARNING"}, text)
