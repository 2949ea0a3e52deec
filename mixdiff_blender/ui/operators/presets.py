"""Presets: choosing one, keeping the scene's style as one, passing them on as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from ...contract import BUNDLED_MODEL, PRESET_SUFFIX, PresetFile, is_hub_id, preset_file
from ...job.naming import find_name
from ...job.presets import find_preset, is_used, preset_of, use_preset
from ...properties.contexts import scene_in
from ...properties.declarations import BoolProperty, Declaring, StringProperty
from ...storage import presets
from .base import (
    RENDER_MENU,
    ChoosesFile,
    Confirmed,
    ReportingOperator,
    Result,
    UndoableOperator,
    entries,
    submenu,
)


def _names(operator: Any, context: Any, text: str) -> Iterable[str]:
    return (name for name in presets.known_presets().by_name if text.casefold() in name.casefold())


class _OfPreset(Declaring):
    """Acts on a preset."""

    preset = StringProperty(
        name="Preset",
        description="The preset's name",
        search=_names,
        search_options={"SUGGESTION"},
    )


class _PresetFile(ChoosesFile):
    """Asks for the file of a preset."""

    filter_glob = StringProperty(default=f"*{PRESET_SUFFIX}", options={"HIDDEN"})

    @property
    def chosen(self) -> Path:
        """Return the file."""
        return Path(bpy.path.abspath(self.filepath))


class UsePreset(_OfPreset, UndoableOperator):
    """Set the style as this preset says; regions, background, size and seed stay"""

    bl_idname = "mixdiff.use_preset"
    bl_label = "Use MixDiff Preset"
    icon = "BLANK1"

    def run(self, context: Any) -> None:
        """Set what it says."""
        _use(self, scene_in(context), find_preset(self.preset))


class SavePreset(_OfPreset, ReportingOperator):
    """Keep style and negative prompt, and how pictures are made, as a preset of your own"""

    bl_idname = "mixdiff.save_preset"
    bl_label = "Save MixDiff Preset"
    icon = "ADD"

    with_model = BoolProperty(
        name="With Model",
        description="Also the model, with its steps, sampler and guidance; without it, the preset "
        "goes with any model",
        default=True,
    )
    replace = BoolProperty(
        name="Replace",
        description="Take the place of the preset that has this name",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the name."""
        asked = context.window_manager.invoke_props_dialog(self, confirm_text="Save")
        return asked  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        """Draw what is asked, and what would be replaced."""
        layout: Any = self.layout
        name = layout.row()
        name.activate_init = True  # so that one types at once
        name.prop(self, "preset", text="Name")
        layout.prop(self, "with_model")
        if self.preset.strip() in presets.known_presets().by_name:
            layout.label(text="There is a preset of this name", icon="ERROR")
            layout.prop(self, "replace")

    def run(self, context: Any) -> None:
        """Write it."""
        preset = preset_of(scene_in(context), self.preset, with_model=self.with_model)
        presets.save(preset_file(preset), replace=self.replace)


class RemovePreset(Confirmed, _OfPreset, ReportingOperator):
    """Remove this preset of your own, with its file"""

    bl_idname = "mixdiff.remove_preset"
    bl_label = "Remove MixDiff Preset"
    icon = "TRASH"

    def run(self, context: Any) -> None:
        """Remove it."""
        presets.remove(self.preset)


class ExportPreset(_OfPreset, _PresetFile, ReportingOperator):
    """Write this preset to a file, for other people or another computer"""

    bl_idname = "mixdiff.export_preset"
    bl_label = "Export MixDiff Preset"
    icon = "EXPORT"

    check_existing = BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: Any, event: Any) -> Result:
        """Ask for the file."""
        self.filepath = bpy.path.clean_name(self.preset) + PRESET_SUFFIX
        return super().invoke(context, event)

    def run(self, context: Any) -> None:
        """Write the file."""
        known = find_name("preset", self.preset, presets.known_presets().by_name)
        model = known.file.preset.model
        if model not in (None, BUNDLED_MODEL) and not is_hub_id(model):
            text = f"The preset names a model by its place on this computer: {model}"
            self.report({"WARNING"}, text)
        known.file.write(self.chosen.with_suffix(PRESET_SUFFIX))


class ImportPreset(_PresetFile, UndoableOperator):
    """Take a preset's file in among your own, and use it"""

    bl_idname = "mixdiff.import_preset"
    bl_label = "Import MixDiff Preset"
    icon = "IMPORT"

    def run(self, context: Any) -> None:
        """Keep it under its name, or a numbered one, and set what it says."""
        _use(self, scene_in(context), presets.take_in(self.chosen))


def _use(operator: Any, scene: bpy.types.Scene, file: PresetFile) -> None:
    for problem in file.warnings:
        operator.report({"WARNING"}, str(problem))
    use_preset(scene, file.preset)


class RemovePresetMenu(bpy.types.Menu):
    """Presets of your own"""

    bl_idname = "MIXDIFF_MT_remove_preset"
    bl_label = "Remove"

    def draw(self, context: Any) -> None:
        """Draw what can be removed."""
        for name, known in presets.known_presets().by_name.items():
            if known.is_own:
                RemovePreset.button(self.layout, f"{name}…", preset=name)


class ExportPresetMenu(bpy.types.Menu):
    """All presets"""

    bl_idname = "MIXDIFF_MT_export_preset"
    bl_label = "Export"

    def draw(self, context: Any) -> None:
        """Draw what can be exported."""
        for name in presets.known_presets().by_name:
            ExportPreset.button(self.layout, f"{name}…", preset=name)


class PresetsMenu(bpy.types.Menu):
    """Styles to choose from, and what is done with them"""

    bl_idname = "MIXDIFF_MT_presets"
    bl_label = "MixDiff Style Presets"

    def draw(self, context: Any) -> None:
        """Draw the presets, a person's own after the others, then the entries."""
        layout: Any = self.layout
        known = presets.known_presets()
        named = known.by_name.items()
        for is_own in (False, True):
            for name, one in named:
                if one.is_own == is_own:
                    used = is_used(scene_in(context), one.file.preset)
                    UsePreset.button(layout, name, "CHECKMARK" if used else "", preset=name)
            layout.separator()
        for fault in known.faults:
            layout.label(text=fault.splitlines()[0], icon="ERROR")
        SavePreset.button(layout, "Save…")
        ImportPreset.button(layout, "Import…")
        layout.menu(ExportPresetMenu.bl_idname, icon=ExportPreset.icon)
        if any(one.is_own for _, one in named):
            layout.menu(RemovePresetMenu.bl_idname, icon=RemovePreset.icon)


CLASSES = (
    *(UsePreset, SavePreset, RemovePreset, ExportPreset, ImportPreset),
    *(RemovePresetMenu, ExportPresetMenu, PresetsMenu),
)
MENUS = ((RENDER_MENU, entries(submenu(PresetsMenu, "PRESET"))),)
