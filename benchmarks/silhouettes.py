"""One thing over a ground: does its picture have the silhouette's shape, beside its rectangle's?

What a pixel belongs to is told by the colours around it and their spread: begun from what each
prompt looks like alone, then from the insides of both parts of the picture itself, which no border
blurs, until nothing changes any more. So a thing that took on something of its ground's colour is
found too; whether it has its own is judged elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks.colours import oklab
from benchmarks.generation import Bytes, painted
from engine.model_keeper import ModelKeeper
from engine.runtime.devices import choose_device

SIDE_PX = 256
CONTEXT_PX = 40  # four cells and the feather around a silhouette, as the add-on has it
PAIRS = (
    ("red brick wall", "green grass"),
    ("wooden planks", "blue sky with clouds"),
    ("grey cobblestone", "sand"),
    ("green leaves", "snow"),
    ("yellow flowers", "grey asphalt"),
    ("blue water", "red brick wall"),
)
"""A thing's prompt, and that of what lies behind it."""
WAYS = ("silhouette", "rectangle")
_BLUR_PX = 4
_INSIDE_PX = 6
_MOST_ROUNDS = 12
_LEAST_INSIDE = 150

Mask = NDArray[np.bool_]
Points = Sequence[tuple[float, float]]


def _around(count: int, inner: float) -> Points:
    turns = [pi * i / count - pi / 2 for i in range(2 * count)]
    radii = [0.36 if i % 2 == 0 else inner for i in range(2 * count)]
    return [(0.5 + r * cos(t), 0.5 + r * sin(t)) for t, r in zip(turns, radii, strict=True)]


SHAPES: Mapping[str, Points] = {
    "disc": _around(32, 0.36),
    "star": _around(5, 0.17),
    "triangle": ((0.5, 0.14), (0.86, 0.84), (0.14, 0.84)),
    "house": ((0.2, 0.86), (0.2, 0.46), (0.5, 0.16), (0.8, 0.46), (0.8, 0.86)),
    "corner": ((0.18, 0.16), (0.48, 0.16), (0.48, 0.54), (0.84, 0.54), (0.84, 0.84), (0.18, 0.84)),
    "arch": (
        *((0.16, 0.84), (0.16, 0.2), (0.84, 0.2), (0.84, 0.84)),
        *((0.62, 0.84), (0.62, 0.46), (0.38, 0.46), (0.38, 0.84)),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """One canvas, and what of it shows the thing."""

    caption: str
    canvas: Bytes
    wanted: Mask
    found: Mask

    @property
    def overlap(self) -> float:
        """What is wanted and shown, of what is either (intersection over union)."""
        return float((self.wanted & self.found).sum() / (self.wanted | self.found).sum())

    @property
    def spill(self) -> float:
        """How much of what shows the thing lies outside of its shape."""
        return float((self.found & ~self.wanted).sum() / max(1, self.found.sum()))


def shape_mask(name: str) -> Mask:
    """Draw a shape. Shapes: (SIDE_PX, SIDE_PX)."""
    image = Image.new("L", (SIDE_PX, SIDE_PX))
    points = [(x * SIDE_PX, y * SIDE_PX) for x, y in SHAPES[name]]
    ImageDraw.Draw(image).polygon(points, fill=255)
    return np.asarray(image) > 127


def job_of(thing: str, ground: str, wanted: Mask, way: str, seed: int) -> dict[str, Any]:
    """Return the job as the add-on makes it of an object's silhouette, or of its rectangle."""
    rows, columns = (np.flatnonzero(wanted.any(axis)) for axis in (1, 0))
    margin = CONTEXT_PX if way == "silhouette" else 0
    bounds = {}
    for name, cells in (("row", rows), ("col", columns)):
        bounds[f"{name}_init"] = max(0, (int(cells[0]) - margin) // 8 * 8)
        bounds[f"{name}_end"] = min(SIDE_PX, -(-(int(cells[-1]) + 1 + margin) // 8) * 8)
    whole = {"row_init": 0, "row_end": SIDE_PX, "col_init": 0, "col_end": SIDE_PX}
    text = {"type": "text2image", "guidance_scale": 4.0, "region_seed": seed}
    front = {**text, **bounds, "name": "thing", "prompt": thing}
    back = {**text, **whole, "name": "ground", "prompt": ground, "mask_type": "constant"}
    if way == "silhouette":
        front |= {"mask_type": "constant", "mask": "thing.png", "mask_area": "canvas"}
        back |= {"mask": "ground.png", "mask_area": "canvas"}
    else:
        front |= {"mask_type": "feather", "feather_px": 32}
        back |= {"mask_weight": 1e-4}
    return {
        **{"version": 1, "canvas_height": SIDE_PX, "canvas_width": SIDE_PX, "seed": seed},
        **{"scheduler": "ddim", "num_inference_steps": 20, "regions": [back, front]},
    }


class Bench:
    """Makes the pictures with one model, and tells its things apart."""

    def __init__(self, model: Path, folder: Path) -> None:
        """Begin with what a model paints of each prompt alone."""
        self._model, self._folder = str(model.absolute()), folder
        self._keeper = ModelKeeper(device=choose_device())
        self._alone: dict[str, _Look] = {}

    def paint(self, thing: str, ground: str, shape: str, way: str, seed: int) -> Painted:
        """Make one canvas, and find the thing in it."""
        wanted = shape_mask(shape)
        for name, mask in (("thing", wanted), ("ground", ~wanted)):
            Image.fromarray((mask * 255).astype(np.uint8)).save(self._folder / f"{name}.png")
        canvas = self._made(job_of(thing, ground, wanted, way, seed))
        nearer = self._away_from(canvas, thing, seed) < self._away_from(canvas, ground, seed)
        found = _parted(_features(canvas), nearer)
        caption = f"{shape}: {way}"
        return Painted(caption=caption, canvas=canvas, wanted=wanted, found=found)

    def _made(self, document: dict[str, Any]) -> Bytes:
        return painted(document | {"model": self._model}, self._keeper, folder=self._folder)

    def _away_from(self, canvas: Bytes, prompt: str, seed: int) -> NDArray[np.float64]:
        """Return how unlike each pixel's surroundings are what a prompt looks like, (H, W)."""
        if prompt not in self._alone:
            whole = {"row_init": 0, "row_end": SIDE_PX, "col_init": 0, "col_end": SIDE_PX}
            region = {"type": "text2image", **whole, "prompt": prompt, "guidance_scale": 4.0}
            region |= {"mask_type": "constant", "region_seed": seed, "name": "alone"}
            document = job_of("", "", shape_mask("disc"), "rectangle", seed)
            self._alone[prompt] = _Look.of(_features(self._made(document | {"regions": [region]})))
        return self._alone[prompt].away(_features(canvas))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How the surroundings of a surface's pixels look, as a normal distribution."""

    mean: NDArray[np.float64]
    inverse: NDArray[np.float64]
    log_determinant: float

    @classmethod
    def of(cls, features: NDArray[np.float64]) -> _Look:
        """Return what features (..., 6) have in common."""
        seen = features.reshape(-1, 6)
        spread = np.cov(seen.T) + 1e-4 * np.eye(6)
        return cls(
            mean=np.asarray(seen.mean(0)),
            inverse=np.asarray(np.linalg.inv(spread), np.float64),
            log_determinant=float(np.linalg.slogdet(spread)[1]),
        )

    def away(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how unlike each of some features (H, W, 6) is, as twice its lost likelihood."""
        off = features - self.mean
        return np.einsum("hwi,ij,hwj->hw", off, self.inverse, off) + self.log_determinant


def _parted(features: NDArray[np.float64], first: Mask) -> Mask:
    """Return which pixels belong to the thing, begun from a first guess. Shapes: (H, W)."""
    found = first
    for _ in range(_MOST_ROUNDS):
        inside = [
            ndimage.binary_erosion(part, iterations=_INSIDE_PX, border_value=1)
            for part in (found, ~found)
        ]
        if min(part.sum() for part in inside) < _LEAST_INSIDE:
            break
        thing, ground = (_Look.of(features[part]) for part in inside)
        before, nearer = found, thing.away(features) < ground.away(features)
        found = np.asarray(ndimage.median_filter(nearer, 2 * _BLUR_PX + 3))
        if np.array_equal(before, found):
            break
    return found


def _features(picture: Bytes) -> NDArray[np.float64]:
    """Return the mean colour and its spread around each pixel, in OKLab. Shapes: (H, W, 6)."""
    lab = oklab(picture.astype(np.float64) / 255)
    size = (2 * _BLUR_PX + 1, 2 * _BLUR_PX + 1, 1)
    mean = ndimage.uniform_filter(lab, size)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(lab**2, size) - mean**2, 0))
    return np.concatenate([mean, spread], -1)


def compare(model: Path, seed: int, *, quick: bool = False) -> dict[str, list[Painted]]:
    """Make every pair in every shape, from its silhouette and from its rectangle."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(model, Path(folder))
        pairs = PAIRS[:2] if quick else PAIRS
        return {
            way: [
                bench.paint(thing, ground, shape, way, seed + number)
                for number, (thing, ground) in enumerate(pairs)
                for shape in SHAPES
            ]
            for way in WAYS
        }
