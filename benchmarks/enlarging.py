"""`python -m benchmarks.enlarging`: pictures made larger, judged against an enlargement of pixels.

A court in perspective is made once a seed, and larger with every share that may stay. Its parts are
judged as before, in the size of the first picture, and as one sees them at full size, in squares of
the model's own; what is seen at windows' borders is held against what lies between.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.adherence import Judged, concept_share, judged
from benchmarks.generation import NATIVE_PX, Bytes
from benchmarks.performance.peaks import peak_of
from benchmarks.seams import column_energy
from benchmarks.sheets import in_rows, sheet
from benchmarks.street import largest_rectangle
from engine.contract.checks import check
from engine.contract.cuts import TURNS
from engine.contract.enlarging import enlarged
from engine.contract.job import Job, to_document
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.contract.png import read_job
from engine.contract.resized import scaled_size
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.batching import in_turn
from engine.runtime.devices import choose_device
from engine.sampling.masks import canvas_weights
from engine.sampling.region_windows import region_windows
from engine.storage.images import open_masks
from training import classifier
from training.painting.prompts import Wish
from training.settings import Settings

STRENGTHS = (0.5, 0.65, 0.8, 0.9, 0.95)
AROUND = range(8, 41)
PARTS: Sequence[tuple[str, Wish, Sequence[tuple[float, float]]]] = (
    (
        "blue sky with clouds",
        Wish(concept="sky", colour="blue"),
        ((0, 0), (1, 0), (1, 1), (0, 1)),
    ),
    (
        "grey cobblestone",
        Wish(concept="cobblestone", colour="grey"),
        ((0.35, 0.55), (0.65, 0.55), (1, 0.85), (1, 1), (0, 1), (0, 0.85)),
    ),
    (
        "red brick wall",
        Wish(concept="bricks", colour="red"),
        ((0, 0.02), (0.35, 0.22), (0.35, 0.58), (0, 0.88)),
    ),
    (
        "wooden planks",
        Wish(concept="planks"),
        ((1, 0.06), (0.65, 0.25), (0.65, 0.58), (1, 0.88)),
    ),
)
"""Prompts of a court, from back to front, and the corners of each: shares of width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Larger:
    """A picture that was made larger, in what time and memory."""

    file: Path
    seconds: float
    peak_bytes: int

    @property
    def pixels(self) -> Bytes:
        """Its pixels, (H, W, 3)."""
        return np.asarray(Image.open(self.file).convert("RGB"))


class Bench:
    """Makes pictures as the engine's command line does, with one model."""

    def __init__(self, folder: Path) -> None:
        """Begin with no picture in a folder."""
        self.folder, self._keeper = folder, ModelKeeper(device=choose_device("cpu"))

    def made(self, job: Job, name: str) -> Larger:
        """Make a job's picture."""
        request = RunRequest(
            document=to_document(job), folder=self.folder, output=self.folder / f"{name}.png"
        )
        began = time.process_time()
        peak = peak_of(
            lambda: [None for _ in run(request, self._keeper)], self._keeper.device.torch_device
        )
        return Larger(file=request.output, seconds=time.process_time() - began, peak_bytes=peak)

    def court(self, side_px: int, seed: int) -> Job:
        """Return the job of a court, its masks drawn."""
        regions = []
        for number, (prompt, _, corners) in enumerate(PARTS):
            mask = Image.new("L", (side_px, side_px))
            ImageDraw.Draw(mask).polygon([(x * side_px, y * side_px) for x, y in corners], 255)
            mask.save(self.folder / f"mask-{number}.png")
            regions.append(
                {
                    **{"type": "text2image", "name": prompt, "prompt": prompt},
                    **{"row_init": 0, "row_end": side_px, "col_init": 0, "col_end": side_px},
                    **{"mask": f"mask-{number}.png", "mask_type": "constant"},
                    **{"mask_weight": 0.01 * 128.0**number, "guidance_scale": 4.0},
                }
            )
        document: dict[str, Any] = {
            **{"canvas_height": side_px, "canvas_width": side_px, "seed": seed},
            **{"num_inference_steps": 20, "scheduler": "ddim", "regions": regions},
            "max_region_px": facts_of(None).largest_px,
        }
        return check(document, folder=self.folder).job_or_raise()

    def larger(self, file: Path, scale: float, strength: float, name: str) -> Larger:
        """Make a picture larger."""
        job = check(read_job(file), folder=self.folder).job_or_raise()
        facts = facts_of(job.model)
        size = scaled_size(job, scale, facts.grid_px)
        job = enlarged(job, size, facts, picture=file.name, strength=strength)
        return self.made(job, name)

    def parts(self, file: Path) -> list[tuple[slice, slice]]:
        """Return the largest rectangle in which each part of a picture counts most."""
        job = check(read_job(file), folder=self.folder).job_or_raise()
        stride = facts_of(job.model).family.stride_px
        masks = open_masks(job, self.folder, Limits())
        weights = np.stack([canvas_weights(r, job, stride, masks) for r in job.text_regions])
        found = [largest_rectangle(one > weights.sum(0) / 2) for one in weights]
        return [
            (
                slice(one.top * stride, one.bottom * stride),
                slice(one.left * stride, one.right * stride),
            )
            for one in found
        ]

    def window_edges(self, file: Path) -> list[NDArray[np.int64]]:
        """Return the rows and the columns at which windows begin or end inside their regions.

        Where windows shift, those of the last step, whose seams nothing came after.
        """
        job = check(read_job(file), folder=self.folder).job_or_raise()
        stride = facts_of(job.model).family.stride_px
        every = region_windows(job, stride, open_masks(job, self.folder, Limits()))
        windows = in_turn(every, (job.num_inference_steps - 1) % TURNS)
        found: tuple[set[int], set[int]] = set(), set()
        for region in {one.region for one in windows}:
            own = [one.window for one in windows if one.region == region]
            rows = {side for one in own for side in (one.top, one.bottom)}
            columns = {side for one in own for side in (one.left, one.right)}
            for sides, cuts in zip((rows, columns), found, strict=True):
                cuts |= sides - {min(sides), max(sides)}
        return [np.array(sorted(cuts), dtype=np.int64) * stride for cuts in found]


def squares(picture: Bytes, part: tuple[slice, slice]) -> list[Bytes]:
    """Return the squares of the model's own size that a part has room for, in its middle."""
    seen = picture[part]
    counts = [max(side // NATIVE_PX, 1) for side in seen.shape[:2]]
    starts = [
        (max(side - count * NATIVE_PX, 0)) // 2
        for side, count in zip(seen.shape[:2], counts, strict=True)
    ]
    return [
        seen[top : top + NATIVE_PX, left : left + NATIVE_PX]
        for top in range(starts[0], starts[0] + counts[0] * NATIVE_PX, NATIVE_PX)
        for left in range(starts[1], starts[1] + counts[1] * NATIVE_PX, NATIVE_PX)
    ]


def border_ratio(picture: Bytes, edges: Sequence[NDArray[np.int64]]) -> float:
    """Return the energy of the steps at windows' borders against that of those around.

    Around are lines 8 to 40 pixels away: what is painted there is of the same kind.
    """
    at_borders, around = list[float](), list[float]()
    for one, own in zip((picture.transpose(1, 0, 2), picture), edges, strict=True):
        energy = column_energy(one)
        near = {int(edge) + offset for edge in own for offset in (-2, -1, 0)}
        far = {int(edge) + side * offset for edge in own for side in (-1, 1) for offset in AROUND}
        at_borders += energy[sorted(near)].tolist()
        around += energy[sorted(line for line in far - near if 0 <= line < len(energy))].tolist()
    return float(np.mean(at_borders) / np.mean(around))


def figures(
    bench: Bench, namer: classifier.Classifier, first: Bytes, larger: Larger, name: str
) -> dict[str, float]:
    """Return what is seen of a larger picture."""
    pixels = larger.pixels
    scale = len(pixels) // len(first)
    parts = bench.parts(larger.file)
    asked = [(prompt, wish) for prompt, wish, _ in PARTS]
    small = np.asarray(Image.fromarray(pixels).reduce(scale)) if scale > 1 else pixels
    reduced = [
        small[tuple(slice(side.start // scale, side.stop // scale) for side in part)]
        for part in parts
    ]
    close = list[Judged]()
    for (prompt, wish), part in zip(asked, parts, strict=True):
        found = squares(pixels, part)
        close += judged(namer, [(prompt, wish)] * len(found), found, name)
    return {
        "parts as before": round(concept_share(judged(namer, asked, reduced, name)), 3),
        "squares at full size": round(concept_share(close), 3),
        "detail": round(float(column_energy(pixels).mean() / column_energy(first).mean()), 2),
        "changed levels": round(float(np.abs(small.astype(float) - first).mean()), 1),
    }


def main() -> None:
    """Make, judge, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enlarging", description=__doc__)
    parser.add_argument("--side", type=int, default=512, help="pixels of the first picture")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--count", type=int, default=2, help="pictures (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=16001)
    parser.add_argument("--strength", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the pictures stay")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.to or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench, namer = Bench(folder), classifier.load(Settings())
        shown: list[tuple[str, Bytes]] = []
        for seed in range(given.seed, given.seed + given.count):
            first = bench.made(bench.court(given.side, seed), f"first-{seed}")
            before = first.pixels
            plain = folder / f"plain-{seed}.png"
            whole = [side * given.scale for side in before.shape[1::-1]]
            job = check(read_job(first.file), folder=folder).job_or_raise()
            size = (whole[1], whole[0])
            facts = facts_of(None)
            document = to_document(enlarged(job, size, facts, picture=first.file.name))
            bicubic = Image.open(first.file).resize(whole, Image.Resampling.BICUBIC)
            write_plain(bicubic, plain, document)
            pixels = Larger(file=plain, seconds=0, peak_bytes=0)
            report("pixels alone", seed, figures(bench, namer, before, pixels, "plain"))
            middle = slice(given.side * given.scale // 2 - 192, given.side * given.scale // 2 + 192)
            shown.append(("pixels alone", pixels.pixels[middle, : 3 * 192]))
            for strength in given.strength:
                name = f"{seed}-{strength:g}"
                larger = bench.larger(first.file, given.scale, strength, name)
                edges = bench.window_edges(larger.file)
                found = figures(bench, namer, before, larger, name) | {
                    "borders": round(border_ratio(larger.pixels, edges), 3),
                    "processor_s": round(larger.seconds, 1),
                    "peak_mb": round(larger.peak_bytes / 1e6),
                }
                report(f"{strength:g} stays", seed, found)
                shown.append((f"{strength:g} stays", larger.pixels[middle, : 3 * 192]))
        if given.to:
            sheet(in_rows(shown, 1 + len(given.strength)), folder / "sheet.jpg")


def write_plain(image: Image.Image, file: Path, document: Any) -> None:
    """Write an enlargement of pixels as if its job had made it."""
    from engine.storage.png import GrowingPng

    png = GrowingPng(file, image.size, job=document, run={})
    png.add(np.asarray(image.convert("RGB")))


def report(name: str, seed: int, found: dict[str, float]) -> None:
    """Show a picture's figures at once."""
    print(json.dumps({"what": name, "seed": seed, **found}), flush=True)


if __name__ == "__main__":
    main()
