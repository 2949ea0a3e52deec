"""Painting the frames of a shot, and going on with one."""

from __future__ import annotations

from typing import Any

import bpy

from ...contract import EngineError
from ...job.frames import ShotFrames
from ...properties import canvas_settings
from ...properties.contexts import scene_in
from ...properties.declarations import BoolProperty, EnumProperty, FloatProperty
from ...results import generation, history, shot
from ...results.shot_changes import changes_since
from ...results.shot_record import ShotRecord, newest, record_of
from ...storage import folders
from .base import RENDER_MENU, Requirement, Result, entries, require
from .generate import OfScene, finish

_MOST_CHANGES = 6
_WIDTH = 400


def _finish(scene: bpy.types.Scene, running: shot.Shot) -> tuple[generation.Line, ...]:
    """Wait where there is no window, and return what there is to report then.

    Raises: EngineError where not all frames are there.
    """
    finish(scene)
    if running.error is not None:
        raise EngineError(str(running.error), kind=running.error.kind)
    report = generation.last_report(scene) if running.has_ended else None
    return report.lines if report else ()


def _made_otherwise() -> Any:
    return EnumProperty(
        name="Made Otherwise",
        description="What becomes of frames that are there, where the scene is other now",
        items=[
            ("AGAIN", "Make Again", "Make them as the scene is now"),
            ("KEEP", "Keep", "Keep them as they are, and make what is missing"),
        ],
        options={"SKIP_SAVE"},
    )


def _draw_changes(operator: Any, layout: Any) -> None:
    """Draw what is other than when the frames that are there were made, and the choice."""
    if not operator._changes:
        return
    layout.separator()
    layout.label(text="Frames that are there were made otherwise:", icon="INFO")
    for change in operator._changes[:_MOST_CHANGES]:
        layout.label(text=change, icon="BLANK1")
    if (more := len(operator._changes) - _MOST_CHANGES) > 0:
        layout.label(text=f"and {more} more", icon="BLANK1")
    layout.row().prop(operator, "made_otherwise", expand=True)


class GenerateRange(OfScene):
    """Paint the scene's frames, one after the other; regions, cameras and values move along"""

    bl_idname = "mixdiff.generate_range"
    bl_label = "MixDiff Frame Range"
    icon = "RENDER_ANIMATION"

    first = FloatProperty(name="First Frame", default=1, step=100, precision=2)
    last = FloatProperty(name="Last Frame", default=24, step=100, precision=2)
    step = FloatProperty(
        name="Step",
        description="Every how many frames; below 1 between frames too",
        default=1,
        min=0.01,
        step=100,
        precision=2,
    )
    resume = BoolProperty(
        name="Go On",
        description="Go on with the last shot of these frames that was not finished",
        options={"SKIP_SAVE"},
    )
    made_otherwise: str = _made_otherwise()
    _changes: tuple[str, ...] = ()

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the frames, which are those that renders have at first."""
        scene = scene_in(context)
        self.first, self.last = scene.frame_start, scene.frame_end
        self.step = scene.frame_step
        begun = self._begun(scene)
        self.resume = begun is not None
        self._changes = changes_since(scene, begun) if begun else ()
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH)  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        """Draw the frames, and whether to go on with a shot that was begun."""
        layout: Any = self.layout
        column = layout.column()
        column.use_property_split = True
        for name in ("first", "last", "step"):
            column.prop(self, name)
        settings = canvas_settings(scene_in(context))
        column.prop(settings, "coherence")
        if settings.coherence == "carried":
            column.prop(settings, "carried_strength")
        begun = self._begun(scene_in(context))
        if begun is not None:
            text = f"Go On with {begun.folder.name} ({len(begun.there)} of {len(begun.frames)})"
            column.prop(self, "resume", text=text)
            if self.resume:
                _draw_changes(self, column)

    def run(self, context: Any) -> None:
        """Begin the shot."""
        scene = scene_in(context)
        begun = self._begun(scene) if self.resume else None
        keep_made = self.made_otherwise == "KEEP"
        running = shot.begin(scene, self._frames(), record=begun, keep_made=keep_made)
        for line in _finish(scene, running):
            self.report({line.severity}, line.text)

    def _frames(self) -> ShotFrames:
        return ShotFrames.of(self.first, self.last, self.step)

    def _begun(self, scene: bpy.types.Scene) -> ShotRecord | None:
        try:
            frames = self._frames()
        except EngineError:
            return None  # which is said once it begins
        return newest(folders.results_folder(scene), scene.name, frames, is_unfinished=True)


def _shot_shown(context: Any) -> ShotRecord | None:
    entry = history.active_entry(scene_in(context))
    return record_of(entry) if entry else None


class ResumeShot(OfScene):
    """Paint the frames of this shot that are missing, or that would be others now"""

    bl_idname = "mixdiff.resume_shot"
    bl_label = "Resume MixDiff Shot"
    icon = "FILE_REFRESH"
    requirements: tuple[Requirement, ...] = (
        *OfScene.requirements,
        require(_shot_shown, "The result that is shown is no shot whose files are there"),
    )

    made_otherwise: str = _made_otherwise()
    _changes: tuple[str, ...] = ()

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask what becomes of the frames that were made otherwise, where there are any."""
        record = _shot_shown(context)
        self._changes = changes_since(scene_in(context), record) if record else ()
        if not self._changes:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH)  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        """Draw what is other now."""
        layout: Any = self.layout
        _draw_changes(self, layout.column())

    def run(self, context: Any) -> None:
        """Begin with what is there."""
        scene = scene_in(context)
        record = _shot_shown(context)
        assert record is not None
        keep_made = self.made_otherwise == "KEEP"
        running = shot.begin(scene, record.frames, record=record, keep_made=keep_made)
        for line in _finish(scene, running):
            self.report({line.severity}, line.text)


CLASSES = (GenerateRange, ResumeShot)
MENUS = ((RENDER_MENU, entries(GenerateRange.button, ResumeShot.button)),)
