"""Making a result larger."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...backend.wording import estimate_text
from ...contract import EngineError
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import FloatProperty, IntProperty, StringProperty
from ...results import enlarging
from .base import RENDER_MENU, Result, entries
from .generate import asked_seed, finish
from .history import OfResult, shown_entry

SCALES = (2.0, 4.0)


class Enlarge(OfResult):
    """Make this result larger, with the detail that the larger picture has room for"""

    bl_idname = "mixdiff.enlarge"
    bl_label = "Enlarge MixDiff Result"
    icon = "FULLSCREEN_ENTER"

    scale: float = FloatProperty(
        name="Scale",
        description="How many times as wide and high the picture becomes",
        default=2.0,
        min=0.25,
        soft_min=1.0,
        soft_max=4.0,
    )
    strength: float = FloatProperty(
        name="Keep",
        description="How much of the picture stays (strength); the scene's unless given",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options={"SKIP_SAVE"},
    )
    steps: int = IntProperty(
        name="Steps",
        description="Steps of the pass; 0 keeps them as far apart as the result's",
        default=0,
        min=0,
        options={"SKIP_SAVE"},
    )
    seed_digits: str = StringProperty(
        name="Seed", description="Instead of the result's own (seed)", options={"SKIP_SAVE"}
    )

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask how large; a redo panel would begin another picture at each touch of a slider."""
        self.strength = self._strength(context)
        return context.window_manager.invoke_props_dialog(self)  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        """Draw what there is to choose, and what it takes."""
        layout: Any = self.layout
        layout.use_property_split = True
        for name in ("scale", "strength", "steps", "seed_digits"):
            layout.prop(self, name)
        try:
            text = planned_text(shown_entry(context), self.scale, self.strength)
        except EngineError as error:
            text = str(error)
        layout.label(text=text)

    def run(self, context: Any) -> None:
        """Begin the job; without a window, return when it has ended.

        Raises: EngineError where it cannot begin.
        """
        scene = scene_in(context)
        enlarging.begin(
            scene,
            shown_entry(context),
            self.scale,
            strength=self._strength(context),
            steps=self.steps or None,
            seed=asked_seed(self.seed_digits),
        )
        for line in finish(scene):
            self.report({line.severity}, line.text)

    def _strength(self, context: Any) -> float:
        properties: Any = self.properties
        if properties.is_property_set("strength"):
            return self.strength
        found: float = canvas_settings(scene_in(context)).enlarge_strength
        return found


def planned_text(entry: Any, scale: float, strength: float) -> str:
    """Return how large a result becomes, and what that takes.

    Raises: EngineError where its picture holds no job that can be read.
    """
    (width, height), time = enlarging.planned(entry, scale, strength)
    return f"{width} × {height} px{estimate_text(time)}"


CLASSES = (Enlarge,)
MENUS = ((RENDER_MENU, entries(partial(Enlarge.button, text="Enlarge MixDiff Result…"))),)
