"""`python -m benchmarks.performance`: how fast and how frugal the engine is."""

from __future__ import annotations

import argparse
import sys
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
from benchmarks.performance.card import mending
from benchmarks.performance.card.pieces import PIECES, heading, measure_all
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
    pieces = "\n".join(f"  {name:16} {piece.about}" for name, piece in PIECES.items())
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.performance",
        description=f"{__doc__}\n\nparts:\n{parts}\n\npieces of --card:\n{pieces}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--only",
        nargs="+",
        choices=[*PARTS, *PIECES],
        metavar="PART",
        help="these parts, or with --card these pieces",
    )
    options.add_argument(
        "--card",
        action="store_true",
        help="all that is to be known of a graphics card, within --minutes: figures, plots, and "
        "what to mend (card.md)",
    )
    options.add_argument("--minutes", type=float, default=10, help="of --card (10)")
    options.add_argument(
        "--rehearse",
        action="store_true",
        help="--card without a card: everything once on the processor, with tiny models",
    )
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
    _check(given)
    if given.to is None and (given.quick or given.rehearse):
        given.to = Path(tempfile.mkdtemp(prefix="mixdiff-performance-"))
    folder = given.to = given.to or ROOT / "docs" / "performance"
    folder.mkdir(parents=True, exist_ok=True)

    here, record = machine(), Record()
    print(", ".join(f"{name} {value}" for name, value in here.items()))
    try:
        if given.card:
            _measure_card(record, given, folder)
        else:
            for name in given.only or PARTS:
                _measure(record, name, given)
    finally:  # what was measured before something failed is kept
        history = append(record.to_document(here, quick=given.quick or given.rehearse), folder)
        table = "# Figures of the last runs\n\n" + markdown(
            history, (*PARTS, *map(heading, PIECES))
        )
        (folder / "figures.md").write_text(table, encoding="utf-8")
    for path in plots.draw(record.series, folder):
        print(path)
    return record


def _check(given: argparse.Namespace) -> None:
    """Leave with a message where the options do not fit together, or there is no card."""
    known = PIECES if given.card else PARTS
    wrong = [name for name in given.only or () if name not in known]
    if wrong:
        sys.exit(f"--only {wrong[0]!r} is no part of this; choose from {', '.join(known)}")
    if given.rehearse and not given.card:
        sys.exit("--rehearse is for --card: give both, or neither")
    if given.minutes <= 0:
        sys.exit(f"--minutes {given.minutes:g} is no time; give 10, or more on a slow card")
    if given.card and not (given.rehearse or torch.cuda.is_available()):
        sys.exit(
            f"--card: torch {torch.__version__} sees no GPU of CUDA here, so nothing was measured; "
            "run it where there is one, or with --rehearse on the processor to see that it runs"
        )


def _measure_card(record: Record, given: argparse.Namespace, folder: Path) -> None:
    names = given.only or PIECES
    failures = measure_all(record, minutes=given.minutes, rehearse=given.rehearse, names=names)
    table = mending.table(mending.rows_of(record, failures))
    print(f"\n{table}")
    heading = "# What to mend on this card, of the last run\n\n"
    notes = "".join(f"- {remark}\n" for remark in record.remarks)
    text = f"{heading}{table}\n\n{notes}"
    (folder / "card.md").write_text(text, encoding="utf-8")


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
