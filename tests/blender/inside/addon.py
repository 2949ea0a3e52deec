"""The parts of the installed extension that tests look into, beside its operators and properties.

Nothing else in this folder names a module of the extension.
"""

import sys
from importlib import import_module
from typing import Any

from bl_ext.user_default.mixdiff import scripting
from bl_ext.user_default.mixdiff.backend import idle, installing, live_preview, models, running
from bl_ext.user_default.mixdiff.backend.client import EngineNotification
from bl_ext.user_default.mixdiff.backend.report import report_text
from bl_ext.user_default.mixdiff.backend.running import session, stop, wait
from bl_ext.user_default.mixdiff.backend.session import Generating, Ready, Session
from bl_ext.user_default.mixdiff.backend.wording import state_text
from bl_ext.user_default.mixdiff.contract import EngineError, check
from bl_ext.user_default.mixdiff.job.job_from_scene import job_from_scene
from bl_ext.user_default.mixdiff.job.regions import handlers
from bl_ext.user_default.mixdiff.job.regions.camera import view_of
from bl_ext.user_default.mixdiff.job.regions.entries import entries, name_of, sources, sync
from bl_ext.user_default.mixdiff.job.regions.places import LeftOut, Places
from bl_ext.user_default.mixdiff.job.regions.projection import visible_bounds
from bl_ext.user_default.mixdiff.properties import preferences
from bl_ext.user_default.mixdiff.results import batch, generation, history
from bl_ext.user_default.mixdiff.results.colour import expectation
from bl_ext.user_default.mixdiff.storage import folders
from bl_ext.user_default.mixdiff.storage.pictures import png_of
from bl_ext.user_default.mixdiff.ui import job_cache
from bl_ext.user_default.mixdiff.ui.overlay.falloff import profile
from bl_ext.user_default.mixdiff.ui.overlay.frame import Frame
from bl_ext.user_default.mixdiff.ui.overlay.places import places_of, whole_places
from bl_ext.user_default.mixdiff.ui.overlay.shapes import Sheet, draw_places

__all__ = [
    "EngineError",
    "EngineNotification",
    "Frame",
    "Generating",
    "LeftOut",
    "Places",
    "Ready",
    "Session",
    "Sheet",
    "batch",
    "check",
    "draw_places",
    "engine_profile",
    "entries",
    "expectation",
    "folders",
    "generation",
    "handlers",
    "history",
    "idle",
    "installing",
    "job_cache",
    "job_from_scene",
    "live_preview",
    "models",
    "name_of",
    "places_of",
    "png_of",
    "preferences",
    "profile",
    "report_text",
    "running",
    "scripting",
    "session",
    "sources",
    "state_text",
    "stop",
    "sync",
    "view_of",
    "visible_bounds",
    "wait",
    "whole_places",
]


def engine_profile(kind: str, cells: int) -> Any:
    """Return the weights along one axis as the engine has them, which is another program."""
    if str(folders.extension_folder()) not in sys.path:
        sys.path.append(str(folders.extension_folder()))
    return import_module("engine.sampling.masks").profile(kind, cells)
