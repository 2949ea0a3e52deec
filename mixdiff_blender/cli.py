"""`blender -b scene.blend -c mixdiff generate | export-job`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from .contract import errors
from .job_from_scene import SceneJob, check
from .operators import scene_job
from .session import SESSION, Generating, State

COMMAND = "mixdiff"
OK, FAILED, WRONG_INPUT = 0, 1, 2

_handle: Any = None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"blender -b SCENE.blend -c {COMMAND}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--frame", type=int, metavar="N", help="the frame to look at")
    common.add_argument("--seed", type=int, metavar="N", help="the canvas's seed")
    common.add_argument("--steps", type=int, metavar="N", help="steps from noise to picture")
    common.add_argument("--model", metavar="M", help="folder, .safetensors file, hub id, bundled")
    generate = commands.add_parser("generate", parents=[common], help="make the scene's picture")
    generate.add_argument("--output", type=Path, required=True, metavar="OUT.png")
    export = commands.add_parser(
        "export-job", parents=[common], help="write the job that would be sent, as JSON"
    )
    export.add_argument("--output", type=Path, required=True, metavar="JOB.json")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said what was wrong, or shown its help
        return stop.code if isinstance(stop.code, int) else WRONG_INPUT
    try:
        return _run(options)
    except errors.EngineError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return WRONG_INPUT if error.kind == "job" else FAILED
    except OSError as error:
        print(f"error: {options.output} cannot be written: {error.strerror}", file=sys.stderr)
        return FAILED
    finally:
        SESSION.stop()


def _run(options: argparse.Namespace) -> int:
    scene = bpy.context.scene
    if options.frame is not None:
        scene.frame_set(options.frame)
    settings = scene.mixdiff
    if options.seed is not None:
        settings.seed_digits = str(options.seed)
        _check_kept("--seed", options.seed, settings.seed)
    if options.steps is not None:
        settings.num_inference_steps = options.steps
        _check_kept("--steps", options.steps, settings.num_inference_steps)
    if options.model is not None:
        local = Path(options.model)
        settings.model = str(local.absolute()) if local.exists() else options.model
    job = scene_job(bpy.context)
    output: Path = options.output.absolute()
    for warning in check(job, Path.cwd()):
        print(f"warning: {warning}", file=sys.stderr)
    if options.command == "export-job":
        _export(job, output)
        return OK
    SESSION.generate(scene, job, output)
    outcome = SESSION.wait(_report)
    if outcome.error is not None:
        raise outcome.error
    print(output)
    return OK


def _check_kept(option: str, given: int, kept: int | None) -> None:
    if given != kept:
        message = f"{option}: {given} is out of range"
        raise errors.EngineError(message, kind="job", advice=f"{kept} is the nearest that is not")


def _export(job: SceneJob, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    document = {**job.document, "regions": [dict(region) for region in job.document["regions"]]}
    for index, region in enumerate(document["regions"]):
        if "reference_image" in region:
            region["reference_image"] = _kept_beside(region["reference_image"], output, index)
    output.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    print(output)


def _kept_beside(reference: str, output: Path, index: int) -> str:
    """Return a reference seen from the job's file; a copy made for this run is put beside it."""
    path = Path(reference)
    if SESSION.references.owns(path):
        kept = output.with_name(f"{output.stem}-picture-{index}.png")
        kept.write_bytes(path.read_bytes())
        return kept.name
    try:
        return Path(os.path.relpath(path, output.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return str(path)


def _report(state: State) -> None:
    if isinstance(state, Generating) and state.steps:
        print(f"step {state.step} of {state.steps}", file=sys.stderr, flush=True)
    elif isinstance(state, Generating):
        print(state.phase, file=sys.stderr, flush=True)


def register() -> None:
    """Register the command."""
    global _handle
    _handle = bpy.utils.register_cli_command(COMMAND, main)


def unregister() -> None:
    """Unregister the command."""
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
