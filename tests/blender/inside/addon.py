"""The parts of the installed extension that tests look into, beside its operators and properties.

Nothing else in this folder names a module of the extension.
"""

import bpy
from bl_ext.user_default.mixdiff import scripting
from bl_ext.user_default.mixdiff.backend import (
    engine,
    idle,
    installing,
    live_preview,
    machine,
    measured,
    models,
)
from bl_ext.user_default.mixdiff.backend.client import EngineNotification
from bl_ext.user_default.mixdiff.backend.engine import pump, queue, session, stop, wait, wait_for
from bl_ext.user_default.mixdiff.backend.report import report_text
from bl_ext.user_default.mixdiff.backend.states import (
    Done,
    Generating,
    Job,
    Ready,
    Stopped,
    Unloading,
)
from bl_ext.user_default.mixdiff.backend.wording import state_text
from bl_ext.user_default.mixdiff.cli.main import main as cli_main
from bl_ext.user_default.mixdiff.contract import (
    EngineError,
    Rectangle,
    check,
    png,
    read_job,
    to_document,
)
from bl_ext.user_default.mixdiff.job import former_files, model_settings
from bl_ext.user_default.mixdiff.job.controls.pictures import SCENE_PICTURES, SceneLook
from bl_ext.user_default.mixdiff.job.controls.segments import Segments, region_colour
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.known_words import hint_of, suggested
from bl_ext.user_default.mixdiff.job.model_facts import facts_of_model
from bl_ext.user_default.mixdiff.job.regions import handlers, shown, sight, strands, until_changed
from bl_ext.user_default.mixdiff.job.regions.annotations import annotations_of
from bl_ext.user_default.mixdiff.job.regions.camera import canvas_of, view_of
from bl_ext.user_default.mixdiff.job.regions.drawn_rectangles import drawn_rectangles
from bl_ext.user_default.mixdiff.job.regions.entries import entries, source_of, sources, sync
from bl_ext.user_default.mixdiff.job.regions.projection import Canvas, on_canvas, visible_bounds
from bl_ext.user_default.mixdiff.job.regions.region_bounds import RegionBounds
from bl_ext.user_default.mixdiff.job.regions.seen_surfaces import SeenSurfaces, carried
from bl_ext.user_default.mixdiff.job.regions.visibility import LeftOut
from bl_ext.user_default.mixdiff.properties import preferences
from bl_ext.user_default.mixdiff.results import (
    again,
    batch,
    enlarging,
    generation,
    history,
    live,
    live_looks,
    passes,
    shot,
    snapshots,
)
from bl_ext.user_default.mixdiff.results.baking.seen_colours import nearest_around
from bl_ext.user_default.mixdiff.results.colour import expectation
from bl_ext.user_default.mixdiff.results.control_pictures import show_control
from bl_ext.user_default.mixdiff.results.depth_codes import DepthRange
from bl_ext.user_default.mixdiff.results.depth_picture import depth_picture, farthest_around
from bl_ext.user_default.mixdiff.results.documents import context_of
from bl_ext.user_default.mixdiff.results.projection import frame_matrix
from bl_ext.user_default.mixdiff.results.projection_nodes import CLOSE
from bl_ext.user_default.mixdiff.results.shot_changes import changes_since
from bl_ext.user_default.mixdiff.results.texture import put_on
from bl_ext.user_default.mixdiff.storage import folders, presets
from bl_ext.user_default.mixdiff.storage.images import png_of, write_picture
from bl_ext.user_default.mixdiff.ui import ahead, job_cache
from bl_ext.user_default.mixdiff.ui.grips import HANDLES, INSIDE, Grip, dragged, grip_at
from bl_ext.user_default.mixdiff.ui.operators.models import ModelsMenu
from bl_ext.user_default.mixdiff.ui.overlay.boxes import Box
from bl_ext.user_default.mixdiff.ui.overlay.frame import Frame
from bl_ext.user_default.mixdiff.ui.overlay.region_shapes import shapes_of
from bl_ext.user_default.mixdiff.ui.overlay.shapes import Sheet, draw_shapes
from bl_ext.user_default.mixdiff.ui.panels import (
    canvas,
    controls,
    generate,
    loras,
    region,
    regions,
    results,
)
from bl_ext.user_default.mixdiff.ui.panels.generate import draw_bars
from bl_ext.user_default.mixdiff.ui.panels.hints import draw_hint
from bl_ext.user_default.mixdiff.ui.panels.models import draw_few_steps, draw_memory
from bl_ext.user_default.mixdiff.ui.panels.presets import draw_presets

HistoryList = results.HistoryList
PANELS = [
    panel
    for module in (canvas, controls, generate, region, loras, regions, results)
    for panel in module.CLASSES
    if issubclass(panel, bpy.types.Panel)
]

__all__ = [
    "CLOSE",
    "HANDLES",
    "INSIDE",
    "PANELS",
    "SCENE_PICTURES",
    "Box",
    "Canvas",
    "DepthRange",
    "Done",
    "EngineError",
    "EngineNotification",
    "Frame",
    "Generating",
    "Grip",
    "HistoryList",
    "Job",
    "LeftOut",
    "ModelsMenu",
    "Ready",
    "Rectangle",
    "RegionBounds",
    "SceneLook",
    "SeenSurfaces",
    "Segments",
    "Sheet",
    "Stopped",
    "Unloading",
    "again",
    "ahead",
    "annotations_of",
    "batch",
    "canvas_of",
    "carried",
    "changes_since",
    "check",
    "cli_main",
    "context_of",
    "depth_picture",
    "dragged",
    "draw_bars",
    "draw_few_steps",
    "draw_hint",
    "draw_memory",
    "draw_presets",
    "draw_shapes",
    "drawn_rectangles",
    "engine",
    "enlarging",
    "entries",
    "expectation",
    "facts_of_model",
    "farthest_around",
    "folders",
    "former_files",
    "frame_matrix",
    "generation",
    "grip_at",
    "handlers",
    "hint_of",
    "history",
    "idle",
    "installing",
    "job_cache",
    "job_from_scene",
    "live",
    "live_looks",
    "live_preview",
    "machine",
    "measured",
    "model_settings",
    "models",
    "nearest_around",
    "on_canvas",
    "passes",
    "png",
    "png_of",
    "preferences",
    "presets",
    "pump",
    "put_on",
    "queue",
    "read_job",
    "region_colour",
    "report_text",
    "scripting",
    "session",
    "shapes_of",
    "shot",
    "show_control",
    "shown",
    "sight",
    "snapshots",
    "source_of",
    "sources",
    "state_text",
    "stop",
    "strands",
    "suggested",
    "sync",
    "to_document",
    "until_changed",
    "view_of",
    "visible_bounds",
    "wait",
    "wait_for",
    "write_picture",
]
