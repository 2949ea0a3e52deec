"""`blender -b FILE.blend -c mixdiff …`: the same without a window."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import bpy

from . import folders, generation, running
from .contexts import scene_in
from .contract import EngineError
from .job_from_scene import job_from_scene
from .session import Generating

OK, FAILED, WRONG_USAGE = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog="blender -b FILE.blend -c mixdiff",
        description="Pictures composed by region, from the regions in a scene.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, metavar="N", help="instead of the scene's seed")
    common.add_argument("--steps", type=int, metavar="N", help="instead of the scene's steps")
    common.add_argument(
        "--model", metavar="M", help="folder, .safetensors file, hub id, or bundled"
    )
    common.add_argument(
        "--frame", type=int, metavar="N", help="instead of the file's current frame"
    )
    generate = commands.add_parser("generate", parents=[common], help="make the scene's picture")
    generate.add_argument(
        "--output", "-o", metavar="OUT.png", help="the picture's file (default: beside the .blend)"
    )
    generate.add_argument("--quiet", action="store_true", help="no progress on stderr")
    export = commands.add_parser(
        "export-job", parents=[common], help="write the job that would be sent"
    )
    export.add_argument("--output", "-o", required=True, metavar="JOB.json", help="the job's file")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = build_parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    if options.frame is not None:
        scene_in(bpy.context).frame_set(options.frame)
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "generate": _generate,
        "export-job": _export_job,
    }
    return actions[options.command](options)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line sets instead of the scene."""
    model = options.model
    if model is not None and Path(model).exists():
        model = str(Path(model).absolute())
    named = {"seed": options.seed, "num_inference_steps": options.steps, "model": model}
    return {name: value for name, value in named.items() if value is not None}


def _path(text: str) -> Path:
    """Return a path as the command line means it: // is the .blend's folder."""
    return Path(bpy.path.abspath(text)).absolute()


def _generate(options: argparse.Namespace) -> int:
    scene = scene_in(bpy.context)
    try:
        generation.begin(
            scene,
            bpy.context.evaluated_depsgraph_get(),
            output=_path(options.output) if options.output else folders.next_picture(),
            changes=_changes(options),
        )
    except EngineError as error:
        return _tell(scene, error)
    running.wait(lambda: None) if options.quiet else running.wait(_Progress().show)
    return _tell(scene)


def _tell(scene: bpy.types.Scene, error: EngineError | None = None) -> int:
    report = generation.last_report(scene)
    if report is None:
        print(f"error: {error or 'there is no picture'}", file=sys.stderr)
        return FAILED
    for line in report.lines:
        if line.severity == "INFO":
            print(line.text)
        else:
            print(f"{line.severity.lower()}: {line.text}", file=sys.stderr)
    return FAILED if report.error else OK


class _Progress:
    """Shows each step once."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self) -> None:
        state = running.session.state
        if not isinstance(state, Generating):
            return
        text = f"step {state.step} of {state.steps}" if state.step else state.phase
        if text != self._shown:
            print(text, file=sys.stderr, flush=True)
        self._shown = text


def _export_job(options: argparse.Namespace) -> int:
    output = _path(options.output)
    try:
        job = job_from_scene(
            scene_in(bpy.context),
            bpy.context.evaluated_depsgraph_get(),
            changes=_changes(options),
        )
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    for problem in job.problems:
        print(f"{problem.severity}: {job.told(problem)}", file=sys.stderr)
    if job.errors:
        return FAILED
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        job.write_pictures(output.parent)
        text = json.dumps(job.document, indent=2, ensure_ascii=False) + "\n"
        output.write_text(text, encoding="utf-8")
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"error: {output} cannot be written: {error.strerror or error}", file=sys.stderr)
        return FAILED
    print(output)
    return OK


_registered: Any = None


def register() -> None:
    """Make the command known to Blender."""
    global _registered
    _registered = cast(Any, bpy.utils).register_cli_command("mixdiff", main)


def unregister() -> None:
    """Take the command away."""
    bpy.utils.unregister_cli_command(_registered)
