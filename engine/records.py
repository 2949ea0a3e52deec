"""PNGs that hold the job that made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from engine.contract.documents import parse_json
from engine.contract.errors import EngineError
from engine.contract.job import BUNDLED_MODEL, Image2ImageRegion, Job
from engine.files import whole_file

JOB_KEY = "mixdiff-job"
RUN_KEY = "mixdiff-run"


def write_png(
    path: Path, picture: npt.NDArray[np.uint8], *, job: Mapping[str, Any], run: Mapping[str, Any]
) -> None:
    """Write a picture that holds its own job, and what it ran on.

    Shapes: (H, W, 3), uint8.
    Raises: EngineError of kind `output`.
    """
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt(JOB_KEY, json.dumps(job, ensure_ascii=False))
    notes.add_itxt(RUN_KEY, json.dumps(run, ensure_ascii=False))
    with whole_file(path) as file:
        Image.fromarray(picture).save(file, format="PNG", pnginfo=notes)


def read_job_of_png(path: Path) -> tuple[object, dict[str, Any]]:
    """Return the job document and the run's notes that a PNG of the engine holds.

    Raises: EngineError of kind `picture` where it holds none.
    """
    try:
        with Image.open(path) as image:
            texts = dict(getattr(image, "text", {}))
    except (OSError, SyntaxError, ValueError) as error:
        message = f"{path} cannot be read: {error}"
        raise EngineError(
            message, kind="picture", advice="give a PNG that the engine made"
        ) from error
    if JOB_KEY not in texts:
        message = f"{path} holds no job"
        raise EngineError(message, kind="picture", advice="give a PNG that the engine made")
    run = parse_json(texts.get(RUN_KEY, "{}"))
    return parse_json(texts[JOB_KEY]), run if isinstance(run, dict) else {}


def moved(job: Job, old_folder: Path, new_folder: Path) -> Job:
    """Return the job with its relative paths seen from another folder."""

    def seen(name: str) -> str:
        target = (old_folder / name).resolve()
        try:
            return Path(os.path.relpath(target, new_folder.resolve())).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    regions = tuple(
        replace(r, reference_image=seen(r.reference_image))
        if isinstance(r, Image2ImageRegion)
        else r
        for r in job.regions
    )
    is_path = job.model not in (None, BUNDLED_MODEL) and (old_folder / str(job.model)).exists()
    return replace(job, regions=regions, model=seen(str(job.model)) if is_path else job.model)
