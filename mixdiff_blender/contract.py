"""The one door to the engine's contract, wherever the engine lies.

In the built extension `engine/` is inside this package, in a checkout beside it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.contract import errors
    from engine.contract.adapter_files import adapter_complaint, is_adapter_here
    from engine.contract.adapters import KnownAdapter, adapter_name_for
    from engine.contract.adapters import adapters_for, known_adapter
    from engine.contract.again import again
    from engine.contract.beside import work_of
    from engine.contract.catalogue import (
        CATALOGUE,
        FIT_TEXTS,
        Fit,
        Listed,
        cache_folder,
        is_hub_id,
        known_model,
        listed,
        state_of,
    )
    from engine.contract.chance import random_seed, resolve_random
    from engine.contract.checks import check, validate
    from engine.contract.controlnets import CONTROLNETS, KnownControlNet, has_controls
    from engine.contract.controlnets import known_controlnet, known_for, local_controlnet, name_for
    from engine.contract.controls import CONTROL_KINDS, DEPTH, EDGES, NORMAL, SEGMENTS
    from engine.contract.controls import Control, RegionControl
    from engine.contract.cuts import OVERLAPPING, SHIFTING, TRIMMED
    from engine.contract.earlier import STRENGTH
    from engine.contract.effort import denoised_cells
    from engine.contract.enlarging import enlarged, whole_steps
    from engine.contract.errors import Cancelled, EngineError, JobError, ModelError, Problem
    from engine.contract.files import atomic_write, is_dir, is_file, is_there, open_input, path_in
    from engine.contract.fitting import fitting_first, memory_plan
    from engine.contract.geometry import WRAPS
    from engine.contract.geometry import Rectangle, pieces, uncovered_share
    from engine.contract.image_sizes import PICTURE_SUFFIXES, read_size
    from engine.contract.job import BUNDLED_MODEL, SEED, Job, Region, to_document
    from engine.contract.job import Image2ImageRegion, RerollRegion, Text2ImageRegion
    from engine.contract.lora import Lora
    from engine.contract.job import with_unique_names
    from engine.contract.kinds import Choice, File, Flag, Kind, ModelName, OrNone
    from engine.contract.kinds import Real, Text, Whole, kind_of
    from engine.contract.known_names import completions, holds_name, names_near
    from engine.contract.lora_files import digest_of, hub_lora, lora_path
    from engine.contract.loras import lora_of_text, lora_problems, with_loras
    from engine.contract.masks import FALLOFFS, profile
    from engine.contract.memory import Machine, MemoryPlan
    from engine.contract.models import ModelFacts, facts_of, model_problems, require_model
    from engine.contract.named_in import files_of, with_files, with_models
    from engine.contract.networks import rest_to_fetch
    from engine.contract.parse import parse_json
    from engine.contract.png import BAKE_KEY, UnreadableImageError, copy_with_job, encode_png
    from engine.contract.png import encode_grey_png, read_bake, read_job
    from engine.contract.prompt_syntax import PLAIN, WEIGHTS
    from engine.contract.references import ReferencePicture
    from engine.contract.presets import PRESET_SUFFIX, Preset, PresetFile, preset_file
    from engine.contract.presets import read_preset
    from engine.contract.protocol import MAX_MESSAGE_BYTES, PARSE_ERROR, PROTOCOL_VERSION
    from engine.contract.protocol import Failure, Notification, ProtocolError, Request, Result
    from engine.contract.protocol import decode, encode, exception, read_lines
    from engine.contract.schedulers import SCHEDULERS
    from engine.contract.resized import scaled_size
    from engine.contract.smaller import smaller
else:
    _INSIDE = f"{__package__}.engine"
    _CONTRACT = f"{_INSIDE if find_spec(_INSIDE) else 'engine'}.contract"
    for _name in (  # png's `read_job`, of a picture, comes after that of a document
        *("adapter_files", "adapters", "again", "beside", "catalogue", "chance", "checks"),
        *("controlnets", "controls", "cuts", "earlier", "effort", "enlarging", "errors"),
        *("files", "fitting", "geometry", "image_sizes", "job", "kinds", "known_names"),
        *("lora", "lora_files", "loras", "masks", "memory", "models", "named_in"),
        *("networks", "parse"),
        *("png", "presets", "prompt_syntax", "protocol", "references", "resized"),
        *("schedulers", "smaller"),
    ):
        _module = globals()[_name] = import_module(f"{_CONTRACT}.{_name}")
        globals().update({n: v for n, v in vars(_module).items() if n[0] != "_"})

ENGINE_FOLDER = Path(errors.__file__).parents[1]
