"""Peak memory against the size of the canvas and the number of regions.

    python -m benchmarks.memory                     # 1 megapixel, 4, and the long canvas of 32
    python -m benchmarks.memory --canvas 1024x1024 --canvas 4096x2048 --regions 16
    python -m benchmarks.memory --reference         # from a picture of the canvas size

Each canvas is a run of the command line in a process of its own, and its peak is what the
operating system counted for that process (`ru_maxrss`: the most that was resident at any time).
The regions are tiles of 320 px, as many as there are asked for, spread over the canvas; `--regions
0` covers it. What no region covers stays noise, and is decoded like everything else.

The bound: the peak of the first canvas times 1.15, plus the latents and one strip of rows; with
`--reference` also the bytes of that picture and the latents that it is encoded to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

_TILE_PX = 320
_STRIDE_PX = 8
_LATENT_BYTES = 4 * 4  # channels of float32
_STRIP_CELLS = 80  # rows of cells that a strip has at most
_SHARE = 1.15
_CANVASES = ["1024x1024", "2048x2048", "16384x2048"]
_CHECKOUT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A canvas, and the peak of the process that made it."""

    width_px: int
    height_px: int
    regions: int
    steps: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    latents_mib: float
    strip_mib: float
    png_mib: float
    reference_mib: float = 0.0


def job(width: int, height: int, regions: int, steps: int) -> dict[str, Any]:
    """Return a job of that many tiles in rows and columns; 0 covers the canvas."""
    down, across = -(-height // _TILE_PX), -(-width // _TILE_PX)
    tiles = [(i, j) for i in range(down) for j in range(across)]
    wanted = min(regions or len(tiles), len(tiles))
    tiles = [tiles[k * len(tiles) // wanted] for k in range(wanted)]

    def side(index: int, count: int, length: int) -> tuple[int, int]:
        tile = min(_TILE_PX, length)
        start = index * (length - tile) // max(count - 1, 1) // _STRIDE_PX * _STRIDE_PX
        return start, start + tile

    documents = []
    for i, j in tiles:
        (top, bottom), (left, right) = side(i, down, height), side(j, across, width)
        bounds = {"row_init": top, "row_end": bottom, "col_init": left, "col_end": right}
        prompt = ("red brick wall", "green grass")[(i + j) % 2]
        documents.append(
            {
                "type": "text2image",
                **bounds,
                "prompt": prompt,
                "guidance_scale": 1,
                "region_seed": 1,
            }
        )
    size = {"canvas_width": width, "canvas_height": height}
    run = {"version": 1, "scheduler": "ddim", "num_inference_steps": steps, "seed": 1}
    return {**run, **size, "regions": documents}


def with_reference(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a job that starts from a picture of its size, written into a folder."""
    width, height = document["canvas_width"], document["canvas_height"]
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(folder / "picture.png")
    bounds = {"row_init": 0, "row_end": height, "col_init": 0, "col_end": width}
    region = {"type": "image2image", **bounds, "reference_image": "picture.png", "strength": 0.5}
    return {**document, "regions": [*document["regions"], region]}


def measured(canvas: str, regions: int, steps: int, *, has_reference: bool) -> Measured:
    """Make a canvas in a process of its own, and return what it needed.

    Raises: RuntimeError where the process failed.
    """
    width, height = (int(side) for side in canvas.split("x"))
    document = job(width, height, regions, steps)
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "job.json", Path(folder) / "canvas.png"
        if has_reference:
            document = with_reference(document, Path(folder))
        path.write_text(json.dumps(document))
        began = time.monotonic()
        command = ["generate", str(path), "--output", str(output), "--device", "cpu", "--quiet"]
        process = subprocess.Popen(
            [sys.executable, "-m", "engine", *command], cwd=_CHECKOUT, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{canvas}: the engine ended with {process.returncode}")
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        cells = (width // _STRIDE_PX) * (height // _STRIDE_PX)
        strip_px = min(height, _STRIP_CELLS * _STRIDE_PX)
        return Measured(
            width_px=width,
            height_px=height,
            regions=len(document["regions"]),
            steps=steps,
            seconds=round(time.monotonic() - began, 1),
            cpu_seconds=round(usage.ru_utime + usage.ru_stime, 1),
            peak_mib=round(peak_bytes / 2**20, 1),
            latents_mib=round(cells * _LATENT_BYTES / 2**20, 1),
            strip_mib=round(strip_px * width * 3 / 2**20, 1),
            png_mib=round(output.stat().st_size / 2**20, 1),
            reference_mib=round(3 * width * height * has_reference / 2**20, 1),
        )


def bound_mib(small: Measured, large: Measured) -> float:
    """Return what a canvas may need at most, given the first one's peak."""
    encoded_mib = large.latents_mib if large.reference_mib else 0.0
    held_mib = large.latents_mib + large.strip_mib + large.reference_mib + encoded_mib
    return _SHARE * small.peak_mib + held_mib


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--canvas", action="append", help="WIDTHxHEIGHT; the first is the measure")
    parser.add_argument("--regions", type=int, default=8, help="tiles; 0 covers the canvas")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument(
        "--reference", action="store_true", help="start from a picture of the canvas's size"
    )
    parser.add_argument("--output", type=Path, help="write the figures here too, as JSON")
    options = parser.parse_args()
    rows: list[Measured] = []
    print("canvas        regions  peak MiB  bound MiB  latents strip   PNG seconds  CPU s")
    for canvas in options.canvas or _CANVASES:
        row = measured(canvas, options.regions, options.steps, has_reference=options.reference)
        rows.append(row)
        bound = f"{bound_mib(rows[0], row):9.0f}" if len(rows) > 1 else " " * 9
        figures = (row.latents_mib, row.strip_mib, row.png_mib, row.seconds, row.cpu_seconds)
        shown = "  ".join(f"{figure:6.1f}" for figure in figures)
        print(f"{canvas:12}  {row.regions:7}  {row.peak_mib:8.0f}  {bound}  {shown}", flush=True)
        if options.output:
            options.output.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return int(any(row.peak_mib > bound_mib(rows[0], row) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
