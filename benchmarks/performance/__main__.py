"""`python -m benchmarks.performance`: how fast and how frugal the engine is."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.performance import (
    button,
    contention,
    cpu,
    fidelity,
    gpu,
    growth,
    large,
    latency,
    peers,
    phases,
    plots,
    silhouettes,
    ways,
)
from benchmarks.performance.record import ROOT, Record, append, machine, markdown
from benchmarks.performance.shapes import SHAPES
from engine.process.quiet import silence_libraries

Part = Callable[[Record, argparse.Namespace], None]
PARTS: dict[str, tuple[str, Part]] = {
    "rates": (
        "what the processor can do at best",
        lambda record, given: cpu.measure_rates(record, quick=given.quick),
    ),
    "cpu": (
        "a model's real shape on the processor, beside the loop of the original",
        lambda record, given: cpu.measure(record, SHAPES[given.shape], quick=given.quick),
    ),
    "peers": (
        "whole jobs beside what else could do them here: diffusers, OpenVINO, stable-diffusion.cpp",
        lambda record, given: peers.measure(record, quick=given.quick),
    ),
    "profile": (
        "where the time of the demo's job goes",
        lambda record, given: phases.measure(record, quick=given.quick),
    ),
    "fidelity": (
        "how far this machine's precision and the tiled decode are from the plain way",
        lambda record, given: fidelity.measure(record, given.to, quick=given.quick),
    ),
    "contention": (
        "the demo's job where others use the processor too",
        lambda record, given: contention.measure(record, quick=given.quick),
    ),
    "latency": (
        "imports, loading, and a second job's first step",
        lambda record, given: latency.measure(record, SHAPES[given.shape], quick=given.quick),
    ),
    "button": (
        "Blender's button to the engine's first word",
        lambda record, given: button.measure(record),
    ),
    "silhouettes": (
        "what the camera sees of many objects, read in a Blender",
        lambda record, given: silhouettes.measure(record),
    ),
    "growth": (
        "time and memory against regions and canvas",
        lambda record, given: growth.measure(record, quick=given.quick),
    ),
    "large": (
        "a model of SDXL's real shape: seconds a step, and peak memory",
        lambda record, given: large.measure(record, quick=given.quick),
    ),
    "gpu": (
        "a model's real shape on a GPU, where there is one",
        lambda record, given: gpu.measure(record, SHAPES[given.shape], quick=given.quick),
    ),
    "ways": (
        "SDXL, klein 4B and Z-Image on a GPU, in each way that a plan of memory knows",
        lambda record, given: ways.measure(record, quick=given.quick),
    ),
}


def parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parts = "\n".join(f"  {name:11} {about}" for name, (about, _) in PARTS.items())
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.performance",
        description=f"{__doc__}\n\nparts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help="these parts")
    options.add_argument("--quick", action="store_true", help="fewer steps, points and repeats")
    options.add_argument(
        "--shape", choices=SHAPES, default="sd15", help="the model of cpu, latency and gpu"
    )
    options.add_argument("--threads", type=int, help="threads of the processor (torch's choice)")
    options.add_argument(
        "--to",
        type=Path,
        help="folder of the history, the tables and the plots (docs/performance; with --quick a "
        "new temporary one)",
    )
    return options


def main(arguments: list[str] | None = None) -> Record:
    """Measure, show and write."""
    given = parser().parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    silence_libraries()
    if given.to is None and given.quick:
        given.to = Path(tempfile.mkdtemp(prefix="mixdiff-performance-"))
    folder = given.to = given.to or ROOT / "docs" / "performance"
    folder.mkdir(parents=True, exist_ok=True)

    here, record = machine(), Record()
    print(", ".join(f"{name} {value}" for name, value in here.items()))
    try:
        for name in given.only or PARTS:
            _measure(record, name, given)
    finally:  # what was measured before something failed is kept
        history = append(record.to_document(here, quick=given.quick), folder)
        table = "# Figures of the last runs\n\n" + markdown(history, PARTS)
        (folder / "figures.md").write_text(table, encoding="utf-8")
    for path in plots.draw(record.series, folder):
        print(path)
    return record


def _measure(record: Record, name: str, given: argparse.Namespace) -> None:
    about, measure = PARTS[name]
    print(f"\n{name}: {about}", flush=True)
    record.begin(name)
    began = time.monotonic()
    try:
        measure(record, given)
    except BaseException:
        del record.figures[name]
        raise
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
