"""The one door to the engine's contract, wherever the engine lies.

In the built extension `engine/` is inside this package, in a checkout beside it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.contract import (
        catalogue,
        checks,
        errors,
        files,
        geometry,
        image_sizes,
        job,
        kinds,
        masks,
        models,
        parse,
        png,
        protocol,
        schedulers,
    )
else:
    _INSIDE = f"{__package__}.engine"
    _CONTRACT = f"{_INSIDE if find_spec(_INSIDE) else 'engine'}.contract"
    for _name in (
        *("catalogue", "checks", "errors", "files", "geometry", "job", "kinds", "masks"),
        *("models", "parse", "image_sizes", "png", "protocol", "schedulers"),
    ):
        globals()[_name] = import_module(f"{_CONTRACT}.{_name}")

ENGINE_FOLDER = Path(errors.__file__).parents[1]

CATALOGUE = catalogue.CATALOGUE
Listed = catalogue.Listed
listed = catalogue.listed
cache_folder = catalogue.cache_folder
is_hub_id = catalogue.is_hub_id
state_of = catalogue.state_of

EngineError = errors.EngineError
JobError = errors.JobError
Cancelled = errors.Cancelled
Problem = errors.Problem

Checked = parse.Checked
check = checks.check
validate = checks.validate
ModelFacts = models.ModelFacts
facts_of = models.facts_of

Job = job.Job
Region = job.Region
Text2ImageRegion = job.Text2ImageRegion
Image2ImageRegion = job.Image2ImageRegion
RerollRegion = job.RerollRegion
BUNDLED_MODEL = job.BUNDLED_MODEL
SEED = job.SEED
to_document = job.to_document
files_of = job.files_of
with_files = job.with_files
with_unique_names = job.with_unique_names

Rectangle = geometry.Rectangle
uncovered_share = geometry.uncovered_share
FALLOFFS = masks.FALLOFFS
profile = masks.profile
SCHEDULERS = schedulers.SCHEDULERS

Choice = kinds.Choice
File = kinds.File
Flag = kinds.Flag
Kind = kinds.Kind
ModelName = kinds.ModelName
OrNone = kinds.OrNone
Real = kinds.Real
Text = kinds.Text
Whole = kinds.Whole
kind_of = kinds.kind_of

atomic_write = files.atomic_write
open_input = files.open_input

UnreadableImageError = png.UnreadableImageError
read_size = image_sizes.read_size
encode_png = png.encode_png
read_job = png.read_job
copy_with_job = png.copy_with_job

PROTOCOL_VERSION = protocol.PROTOCOL_VERSION
MAX_MESSAGE_BYTES = protocol.MAX_MESSAGE_BYTES
PARSE_ERROR = protocol.PARSE_ERROR
Failure = protocol.Failure
Notification = protocol.Notification
ProtocolError = protocol.ProtocolError
Request = protocol.Request
Result = protocol.Result
decode = protocol.decode
encode = protocol.encode
exception = protocol.exception
read_lines = protocol.read_lines
