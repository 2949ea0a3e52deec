"""Commands that make another picture out of one that is there: `again`, and `enlarge`."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from engine.contract.again import again
from engine.contract.checks import check
from engine.contract.earlier import STRENGTH
from engine.contract.enlarging import enlarged
from engine.contract.errors import JobError, Problem
from engine.contract.files import path_in
from engine.contract.job import Job, to_document
from engine.contract.limits import Limits
from engine.contract.models import facts_of
from engine.contract.resized import scaled_size
from engine.storage.job_files import Source, read_source


def add_again_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which part of a picture is made anew."""
    parser.add_argument(
        "--region", action="append", default=[], metavar="NAME", help="a region to be made anew"
    )
    parser.add_argument(
        "--mask",
        metavar="M.png",
        help="a picture as large as the canvas, white where it is made anew; with regions, of them",
    )
    parser.add_argument(
        "--prompt", metavar="TEXT", help="what to generate in these regions instead"
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=0.0,
        metavar="S",
        help="how much stays of what is made anew: 0 nothing (default), to 1",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="instead of one at random")


def add_enlarge_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says how large a picture is made, and how much of it stays."""
    parser.add_argument(
        "--scale", type=float, default=2.0, metavar="X", help="how many times (default: 2)"
    )
    parser.add_argument(
        "--picture", metavar="P.png", help="instead of the job's own: retouched, or from elsewhere"
    )
    parser.add_argument("--size", type=_size, metavar="WxH", help="a size in pixels instead")
    parser.add_argument(
        "--strength",
        type=float,
        default=STRENGTH,
        metavar="S",
        help="how much of the picture stays: 0 nothing, to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="instead of as many as keep the job's pace"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the picture's own")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\s*[xX×]\s*(\d+)", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give one such as 4096x2048")
    return int(found[2]), int(found[1])


def part_anew(options: argparse.Namespace) -> Source:
    """Return the job that makes a part of a picture anew."""
    source, job = _picture_of(options)
    asks = {} if options.prompt is None else {"prompt": options.prompt}
    changed = again(
        job,
        picture=options.job.name,
        regions=options.region,
        # Unlike a job's paths, those of the command line start at the current folder.
        mask=options.mask and str(path_in(Path.cwd(), options.mask)),
        strength=options.strength,
        seed=options.seed,
        asks=dict.fromkeys(options.region, asks),
    )
    return replace(source, document=to_document(changed))


def enlarged_source(options: argparse.Namespace) -> Source:
    """Return the job that makes a picture larger.

    Raises: JobError where the scale or the number of steps is none.
    """
    source, job = _picture_of(options)
    for name, given in (("scale", options.scale), ("steps", options.steps)):
        if given is not None and not given > 0:
            raise JobError([Problem(name, str(given), "is not more than 0", "try 4")])
    facts = facts_of(options.model or job.model, source.folder)
    larger = enlarged(
        job,
        options.size or scaled_size(job, options.scale, facts.grid_px),
        facts,
        # Unlike a job's paths, those of the command line start at the current folder.
        picture=str(path_in(Path.cwd(), options.picture)) if options.picture else options.job.name,
        strength=options.strength,
        steps=options.steps,
        seed=options.seed,
    )
    return replace(source, document=to_document(larger))


def _picture_of(options: argparse.Namespace) -> tuple[Source, Job]:
    source, limits = read_source(options.job), Limits(max_canvas_px=options.max_canvas_px)
    return source, check(source.document, folder=source.folder, limits=limits).job_or_raise()
