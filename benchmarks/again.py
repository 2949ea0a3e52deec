"""`python -m benchmarks.again`: parts of a picture made again, judged and timed.

Each part of the street gets another prompt in turn, and is judged as that part of a street is that
had the prompt from its start. The time is that of squares of a large canvas against all of it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.adherence import Judged, colour_share, concept_share, judged
from benchmarks.generation import Bytes
from benchmarks.sheets import in_rows, sheet
from benchmarks.street import JOB, visible_parts
from engine.contract.again import again
from engine.contract.checks import check
from engine.contract.effort import denoised_cells
from engine.contract.geometry import Rectangle
from engine.contract.job import Job, Text2ImageRegion, to_document
from engine.contract.models import facts_of
from engine.contract.named_in import with_files
from engine.contract.png import read_job
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from training import classifier
from training.painting.prompts import Wish
from training.settings import Settings

OTHERS: Mapping[str, tuple[str, Wish]] = {
    "house left": ("wooden planks", Wish(concept="planks")),
    "house right": ("red brick wall", Wish(concept="bricks", colour="red")),
    "road": ("green grass", Wish(concept="grass", colour="green")),
    "sky": ("starry night", Wish(concept="starry night")),
}
SIDES_PX = (64, 128, 192, 256, 384, 512)
CANVAS_PX = 768
REGION_PX = 128
STEPS = 6


class Bench:
    """Makes pictures as the engine's command line does, with one model."""

    def __init__(self, folder: Path) -> None:
        """Begin with no picture in a folder."""
        self.folder, self._keeper = folder, ModelKeeper(device=choose_device())
        self.last_s = 0.0

    @property
    def stride_px(self) -> int:
        """Pixels per latent cell."""
        return facts_of(None).family.stride_px

    def made(self, job: Job, name: str) -> Path:
        """Make a job's picture, and note what the processor took."""
        request = RunRequest(
            document=to_document(job), folder=self.folder, output=self.folder / f"{name}.png"
        )
        began = time.process_time()
        list(run(request, self._keeper))
        self.last_s = time.process_time() - began
        return request.output


def _pixels(path: Path) -> Bytes:
    return np.asarray(Image.open(path).convert("RGB"))


def with_prompt(job: Job, name: str, prompt: str) -> Job:
    """Return a job with another prompt in one of its regions."""
    regions = tuple(
        replace(region, prompt=prompt)
        if isinstance(region, Text2ImageRegion) and region.name == name
        else region
        for region in job.regions
    )
    return replace(job, regions=regions)


def judge_streets(
    bench: Bench, namer: classifier.Classifier, count: int, seed: int
) -> tuple[dict[str, list[Judged]], list[tuple[str, Bytes]]]:
    """Make each part of streets again with another prompt, and streets that had it at once."""
    document = json.loads(JOB.read_text())
    job = check(document, folder=JOB.parent).job_or_raise()
    job = with_files(job, lambda name: str(JOB.parent / name))  # its masks
    places = visible_parts(job, bench.stride_px)
    names = [region.name for region in job.text_regions]
    found: dict[str, list[Judged]] = {"again": [], "at once": []}
    pictures: list[tuple[str, Bytes]] = []
    for number in range(count):
        first = replace(job, seed=seed + number)
        path = bench.made(first, "first")
        before = _pixels(path)
        pictures.append((f"seed {first.seed}", before))
        for name, (rows, columns) in zip(names, places, strict=True):
            asked = OTHERS[name]
            part = again(
                check(read_job(path), folder=bench.folder).job_or_raise(),
                picture=path.name,
                regions=[name],
                seed=seed + 1000 + number,
                asks={name: {"prompt": asked[0]}},
            )
            whole = with_prompt(replace(job, seed=seed + 1000 + number), name, asked[0])
            for kind, one in (("again", part), ("at once", whole)):
                picture = _pixels(bench.made(one, kind.replace(" ", "-")))
                found[kind] += judged(namer, [asked], [picture[rows, columns]], name)
                if kind == "again":
                    pictures.append((f"{name}: {asked[0]}", picture))
    return found, pictures


def time_squares(bench: Bench) -> list[dict[str, Any]]:
    """Measure what squares in the middle of a large canvas take, against all of it."""
    side = CANVAS_PX
    region = {"type": "text2image", "row_init": 0, "row_end": side, "col_init": 0, "col_end": side}
    document = {
        **{"canvas_height": side, "canvas_width": side, "max_region_px": REGION_PX, "seed": 1},
        **{"num_inference_steps": STEPS, "scheduler": "ddim"},
        "regions": [{**region, "prompt": "green grass", "mask_type": "constant"}],
    }
    job = check(document, folder=bench.folder).job_or_raise()
    bench.made(job, "large")  # so that nothing is loaded or encoded for the first time
    bench.made(job, "large")
    whole_s = bench.last_s
    all_cells = denoised_cells(job, bench.stride_px)
    found = []
    for square in SIDES_PX:
        start = (side - square) // 2
        bounds = Rectangle(
            row_init=start, row_end=start + square, col_init=start, col_end=start + square
        )
        mask = np.zeros((side, side), np.uint8)
        mask[start : start + square, start : start + square] = 255
        Image.fromarray(mask).save(bench.folder / "mask.png")
        bench.made(again(job, picture="large.png", mask="mask.png", seed=2), "part")
        cells = denoised_cells(job, bench.stride_px, changed=[bounds])
        found.append(
            {
                "share of the canvas": round(square**2 / side**2, 3),
                "share of the windows": round(cells / all_cells, 3),
                "processor's time": round(bench.last_s / whole_s, 3),
            }
        )
    return found


def main() -> None:
    """Judge, time, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.again", description=__doc__)
    parser.add_argument("--count", type=int, default=9, help="streets (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=15001)
    parser.add_argument("--to", type=Path, metavar="OUT.jpg", help="a sheet of the pictures")
    parser.add_argument("--only", choices=("judge", "time"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        if given.only in (None, "time"):
            for row in time_squares(bench):
                print(json.dumps(row), flush=True)
        if given.only in (None, "judge"):
            namer = classifier.load(Settings())
            found, pictures = judge_streets(bench, namer, given.count, given.seed)
            for kind, parts in found.items():
                colours, judged_colours = colour_share(parts)
                print(f"{kind}: {concept_share(parts):.3f} of {len(parts)} name the concept")
                print(f"{kind}: {colours:.3f} of {judged_colours} have the colour", flush=True)
            if given.to:
                small = [(c, np.asarray(Image.fromarray(p).reduce(2))) for c, p in pictures]
                sheet(in_rows(small, 1 + len(OTHERS)), given.to)


if __name__ == "__main__":
    main()
