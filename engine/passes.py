"""Each region's share of a picture, as layers of an OpenEXR file, and as pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.contract.errors import EngineError, JobError, Problem
from engine.contract.files import atomic_write
from engine.contract.job import Job
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.sampling.masks import MaskImages, canvas_weights, mask_coverage, on_canvas
from engine.storage.cryptomatte import Floats, header, ranks
from engine.storage.images import open_image, open_masks

EXR = ".exr"
LAYER = "Regions"
CRYPTOMATTE = f"{LAYER}.CryptoRegion"
_MOST_REGIONS = 256
_LONGEST_BYTES = 40  # of the 63 that Blender's sockets and layers have together
_NO_NAME = re.compile(r"[^\w \-]")


def region_shares(job: Job, stride_px: int, masks: MaskImages) -> dict[str, Floats]:
    """Return what each text region adds to each pixel, by its name; together 1 where any does.

    The weights of the mixture, divided by their sum, between the middles of their cells.

    Shapes: (H, W) each, from 0 to 1.
    """
    weights = {
        region.name: canvas_weights(region, job, stride_px, masks) for region in job.text_regions
    }
    total = np.sum(list(weights.values()), axis=0)
    total = np.where(total == 0, 1, total)
    return {name: _in_pixels(weight / total, job) for name, weight in weights.items()}


def image_shares(job: Job, stride_px: int, masks: MaskImages) -> dict[str, Floats]:
    """Return which pixels each image region holds, by its name.

    Shapes: (H, W) each, from 0 to 1.
    """
    shares = {}
    for region in job.image_regions:
        covered = np.ones((region.height_px // stride_px, region.width_px // stride_px))
        if region.mask is not None:
            covered = mask_coverage(masks[region.mask], region, job, stride_px)
        cells = on_canvas(covered, region, job, stride_px)
        shares[region.name] = _in_pixels(cells, job)
    return shares


def write_passes(
    job: Job, picture: Path, output: Path, *, folder: Path, limits: Limits
) -> dict[str, str]:
    """Write the passes of a result; return what each region's layer is called.

    An OpenEXR file has the picture, a layer a region (its share of the picture in linear light, and
    the share as alpha), and a Cryptomatte of their names. A folder gets a greyscale PNG a region.
    The job's relative paths start at `folder`.

    Raises: JobError where the job has no region; EngineError of kind `output`, or `picture` for a
    picture or mask that cannot be read, or that is not as large as its job says.
    """
    if not job.regions or len(job.regions) > _MOST_REGIONS:
        why = "has no region" if not job.regions else f"has more than {_MOST_REGIONS} regions"
        message = f"{why}, so there are no passes of it"
        raise JobError(
            [Problem(field="regions", value="", message=message, remedy="choose another result")]
        )
    colours = np.asarray(open_image(picture, limits)).astype(np.float32) / np.float32(255)
    if colours.shape[:2] != (job.canvas_height, job.canvas_width):
        raise EngineError(
            f"{picture} has {colours.shape[1]} × {colours.shape[0]} pixels, its job "
            f"{job.canvas_width} × {job.canvas_height}",
            kind="picture",
            advice="give the picture as it was made",
        )
    stride_px = facts_of(job.model, folder).family.stride_px
    masks = open_masks(job, folder, limits)
    shares = region_shares(job, stride_px, masks)
    names = layer_names([*shares, *(region.name for region in job.image_regions)])
    everything = {**shares, **image_shares(job, stride_px, masks)}
    if output.suffix.lower() == EXR:
        _write_exr(output, _linear(colours), everything, shares, names)
    elif output.suffix:
        raise EngineError(
            f"{output.name} is neither an OpenEXR file nor a folder",
            kind="output",
            advice=f"name it {output.stem}{EXR}, or a folder for a PNG a region",
        )
    else:
        _write_pictures(output, everything, names)
    return names


def layer_names(regions: list[str]) -> dict[str, str]:
    """Return what each region's layer is called: dots part layers, and long names are cut."""
    names: dict[str, str] = {}
    for region in regions:
        cut = _NO_NAME.sub("_", region).strip().encode()[:_LONGEST_BYTES]
        plain = cut.decode(errors="ignore") or "region"
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain} {number}", number + 1
        names[region] = name
    return names


def _in_pixels(cells: npt.NDArray[np.float64], job: Job) -> Floats:
    height, width = cells.shape
    rows, columns = (int(wraps) for wraps in job.wrapped)
    cells = np.pad(cells, ((rows, rows), (columns, columns)), mode="wrap")
    image = Image.fromarray(cells.astype(np.float32))
    size = (job.canvas_width, job.canvas_height)
    box = (columns, rows, columns + width, rows + height)
    scaled: Floats = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
    return scaled.clip(0.0, 1.0)


def _linear(colours: Floats) -> npt.NDArray[Any]:
    """Return sRGB's numbers as linear light. Source: IEC 61966-2-1."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def _write_exr(
    output: Path,
    colours: npt.NDArray[Any],
    everything: Mapping[str, Floats],
    shares: Mapping[str, Floats],
    names: Mapping[str, str],
) -> None:
    import OpenEXR

    half = np.float16
    channels: dict[str, npt.NDArray[Any]] = {"A": np.ones(colours.shape[:2], half)}
    channels |= {c: np.ascontiguousarray(colours[..., i], half) for i, c in enumerate("RGB")}
    for region, share in everything.items():
        layer = f"{LAYER}.{names[region]}"
        for index, channel in enumerate("RGB"):
            channels[f"{layer}.{channel}"] = (colours[..., index] * share).astype(half)
        channels[f"{layer}.A"] = share.astype(half)
    told = {}
    if shares:
        channels |= ranks({names[region]: share for region, share in shares.items()}, CRYPTOMATTE)
        told = header([names[region] for region in shares], CRYPTOMATTE)
    fields = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **told}
    with TemporaryDirectory(prefix="mixdiff-passes-") as temporary, atomic_write(output) as file:
        whole = Path(temporary) / "passes.exr"
        OpenEXR.File(fields, channels).write(str(whole))
        with whole.open("rb") as written:
            copyfileobj(written, file)


def _write_pictures(folder: Path, shares: Mapping[str, Floats], names: Mapping[str, str]) -> None:
    for region, share in shares.items():
        with atomic_write(folder / f"{names[region]}.png") as file:
            Image.fromarray((share * 255).round().astype(np.uint8)).save(file, format="PNG")
