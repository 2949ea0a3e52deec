"""What all operators are made of: requirements that explain themselves, and errors as reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ...backend import engine
from ...contract import EngineError
from ...properties.declarations import Declaring, StringProperty
from ...storage import folders

RENDER_MENU = "MIXDIFF_MT_render"
"""The menu Render > MixDiff, which every module may add to."""

Result = set[Any]
Requirement = Callable[[Any], str]
"""Returns what a context lacks, or an empty text."""


def require(holds: Callable[[Any], object], message: str) -> Requirement:
    """Return the requirement that something holds; the message says how to get there."""
    return lambda context: "" if holds(context) else message


class ReportingOperator(Declaring, bpy.types.Operator):
    """An operator that says why it cannot begin, and reports what went wrong."""

    icon = "NONE"
    requirements: tuple[Requirement, ...] = ()
    """What must hold before it can begin; the first that does not is the tooltip's."""
    described_by = ""
    """The enumeration whose chosen item describes what a button does, where it has several."""

    @classmethod
    def button(
        cls,
        layout: Any,
        text: str | None = None,
        icon: str = "",
        *,
        depress: bool = False,
        **settings: Any,
    ) -> None:
        """Draw the button, or the entry of a menu, that runs it with some settings."""
        own_text = {} if text is None else {"text": text}
        icon = icon or cls.icon
        button = layout.operator(cls.bl_idname, icon=icon, depress=depress, **own_text)
        for name, value in settings.items():
            setattr(button, name, value)

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Return whether it can begin."""
        for requirement in cls.requirements:
            if lack := requirement(context):
                cls.poll_message_set(lack)
                return False
        return True

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        """Return a button's tooltip; an empty one stands for the operator's own."""
        if not cls.described_by:
            return ""
        declared = properties.bl_rna.properties[cls.described_by]
        text: str = declared.enum_items[getattr(properties, cls.described_by)].description
        return text

    def execute(self, context: Any) -> Result:
        """Run it, and report an error."""
        return self.reporting(self.run, context)

    def run(self, context: Any) -> Result | None:
        """Do what the operator is for; without a result it is finished.

        Raises: EngineError, which becomes the report.
        """
        raise NotImplementedError

    def reporting(self, step: Callable[[Any], Result | None], context: Any) -> Result:
        """Return the result of a step; one that fails is reported and cancelled."""
        try:
            return step(context) or {"FINISHED"}
        except EngineError as error:
            # A path may hold bytes that are no letters, at which `report` itself would fail.
            text = self.describe(error, context).encode(errors="replace").decode()
            self.report({"ERROR"}, text)
            return {"CANCELLED"}
        finally:
            engine.redraw()  # found by F3, it changes what nobody looks at just then

    def describe(self, error: EngineError, context: Any) -> str:
        """Return what is reported of an error."""
        return str(error)


class UndoableOperator(ReportingOperator):
    """An operator that changes the file's data, and does it again from its redo panel."""

    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> Result:
        """Run it on a scene that is evaluated: what undo has just brought back lies nowhere yet."""
        context.evaluated_depsgraph_get()
        return super().execute(context)


def entries(*buttons: Callable[[Any], object]) -> Callable[[Any, Any], None]:
    """Return what draws buttons into a menu of Blender's."""

    def draw(menu: Any, context: Any) -> None:
        for button in buttons:
            button(menu.layout)

    return draw


def submenu(menu: type[bpy.types.Menu], icon: str) -> Callable[[Any], object]:
    """Return what draws a menu into another one."""
    return lambda layout: layout.menu(menu.bl_idname, icon=icon)


def separate(layout: Any) -> None:
    """Draw a line between what stands above and below."""
    layout.separator()


class Confirmed:
    """Asks before the operator runs."""

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)  # type: ignore[no-any-return]


class ChoosesFile(Declaring):
    """Asks for a file before the operator runs."""

    filepath = StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})

    @property
    def path(self) -> Path:
        """The file, as people write it."""
        return folders.absolute(self.filepath, bpy.data.filepath)

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}
