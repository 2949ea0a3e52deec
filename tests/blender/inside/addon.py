"""The parts of the installed extension that tests look into, beside its operators and properties.

Nothing else in this folder names a module of the extension.
"""

from bl_ext.user_default.mixdiff import scripting
from bl_ext.user_default.mixdiff.backend import engine, idle, installing, live_preview, models
from bl_ext.user_default.mixdiff.backend.client import EngineNotification
from bl_ext.user_default.mixdiff.backend.engine import pump, queue, session, stop, wait, wait_for
from bl_ext.user_default.mixdiff.backend.report import report_text
from bl_ext.user_default.mixdiff.backend.session import Generating, Job, Stopped, Unloading
from bl_ext.user_default.mixdiff.backend.wording import state_text
from bl_ext.user_default.mixdiff.contract import (
    EngineError,
    Rectangle,
    check,
    read_job,
    to_document,
)
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions import handlers
from bl_ext.user_default.mixdiff.job.regions.camera import canvas_of, view_of
from bl_ext.user_default.mixdiff.job.regions.drawn_rectangles import drawn_rectangles
from bl_ext.user_default.mixdiff.job.regions.entries import entries, source_of, sources, sync
from bl_ext.user_default.mixdiff.job.regions.projection import Canvas, visible_bounds
from bl_ext.user_default.mixdiff.job.regions.region_bounds import LeftOut, RegionBounds
from bl_ext.user_default.mixdiff.properties import preferences
from bl_ext.user_default.mixdiff.results import batch, generation, history
from bl_ext.user_default.mixdiff.results.colour import expectation
from bl_ext.user_default.mixdiff.results.texture import put_on
from bl_ext.user_default.mixdiff.storage import folders
from bl_ext.user_default.mixdiff.storage.images import png_of, rows_from_top
from bl_ext.user_default.mixdiff.ui import job_cache
from bl_ext.user_default.mixdiff.ui.grips import HANDLES, INSIDE, Grip, dragged, grip_at
from bl_ext.user_default.mixdiff.ui.overlay.frame import Frame
from bl_ext.user_default.mixdiff.ui.overlay.region_shapes import shapes_of
from bl_ext.user_default.mixdiff.ui.overlay.shapes import Box, Sheet, draw_shapes

__all__ = [
    "HANDLES",
    "INSIDE",
    "Box",
    "Canvas",
    "EngineError",
    "EngineNotification",
    "Frame",
    "Generating",
    "Grip",
    "Job",
    "LeftOut",
    "Rectangle",
    "RegionBounds",
    "Sheet",
    "Stopped",
    "Unloading",
    "batch",
    "canvas_of",
    "check",
    "dragged",
    "draw_shapes",
    "drawn_rectangles",
    "engine",
    "entries",
    "expectation",
    "folders",
    "generation",
    "grip_at",
    "handlers",
    "history",
    "idle",
    "installing",
    "job_cache",
    "job_from_scene",
    "live_preview",
    "models",
    "png_of",
    "preferences",
    "pump",
    "put_on",
    "queue",
    "read_job",
    "report_text",
    "rows_from_top",
    "scripting",
    "session",
    "shapes_of",
    "source_of",
    "sources",
    "state_text",
    "stop",
    "sync",
    "to_document",
    "view_of",
    "visible_bounds",
    "wait",
    "wait_for",
]
