"""Picture files: references read, results written with the job that made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from engine.contract.documents import parse_json
from engine.contract.errors import EngineError
from engine.contract.job import BUNDLED_MODEL, Image2ImageRegion, Job
from engine.contract.limits import Limits
from engine.decode import Picture
from engine.files import whole_file

JOB_KEY = "mixdiff-job"
RUN_KEY = "mixdiff-run"

_REFERENCE_MULTIPLE_PX = 32


def open_picture(path: Path, limits: Limits) -> Image.Image:
    """Return a picture in RGB.

    Raises: EngineError of kind `picture` where it cannot be read or is absurdly large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > limits.max_picture_px:
                raise EngineError(
                    f"{path} has {image.width} × {image.height} pixels, over the limit of "
                    f"{limits.max_picture_px} pixels",
                    kind="picture",
                    advice="scale it down",
                )
            if image.mode.startswith("I;16"):
                deep = np.asarray(image, dtype=np.uint16)
                return Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EngineError(
            f"{path} is no picture that can be read: {error}",
            kind="picture",
            advice="save it anew, as PNG for example",
        ) from error


def preprocess_image(image: Image.Image) -> Tensor:
    """Return a picture as the original's image regions take it.

    Shapes: (1, 3, H, W), float32 in [-1, 1]; H and W are the picture's, down to a multiple of 32.
    """
    width, height = (
        max(side // _REFERENCE_MULTIPLE_PX, 1) * _REFERENCE_MULTIPLE_PX for side in image.size
    )
    resized = image.resize((width, height), resample=Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(resized).astype(np.float32) / 255.0)  # (H, W, 3)
    return 2.0 * values.permute(2, 0, 1)[None] - 1.0


def fitted(picture: Tensor, height_px: int, width_px: int) -> Tensor:
    """Return a preprocessed picture resized to a region.

    Shapes: (1, 3, H, W) to (1, 3, height, width).
    """
    size = (height_px, width_px)
    return torch.nn.functional.interpolate(picture, size=size, mode="bilinear", antialias=True)


def write_png(
    path: Path, picture: Picture, *, job: Mapping[str, Any], run: Mapping[str, Any]
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
