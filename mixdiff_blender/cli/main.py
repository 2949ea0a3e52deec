"""`blender -b FILE.blend -c mixdiff …`: the same without a window."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, cast

import bpy

from .. import scripting
from ..backend import engine
from ..backend.session import Generating
from ..backend.wording import progress_text
from ..contract import EngineError, JobError
from ..job.frames import ShotFrames, numbered
from ..job.overrides import Overrides
from ..job.presets import find_preset
from ..job.regions.camera import canvas_of
from ..results import shot
from ..results.shot_record import PLACE
from . import engine as cli_engine
from .engine import CANCELLED, FAILED, OK
from .progress import ProgressBar

WRONG_USAGE = 2


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\s*[xX×]\s*(\d+)", text.strip())
    if not found or not all(int(part) for part in found.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give one such as 1024x512")
    return int(found[1]), int(found[2])


def _frames(text: str) -> ShotFrames:
    try:
        return ShotFrames.read(text)
    except EngineError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _frame(text: str) -> float:
    frames = _frames(text)
    if len(frames) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than one frame")
    return float(frames.first)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog="blender -b FILE.blend -c mixdiff",
        description="Pictures composed by region, from the regions in a scene.",
        epilog="Paths that begin with // start at the .blend's folder.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--scene", metavar="NAME", help="instead of the file's active scene")
    common.add_argument("--camera", metavar="NAME", help="instead of the scene's camera")
    common.add_argument(
        "--size", type=_size, metavar="WxH", help="instead of the render's size, in pixels"
    )
    common.add_argument("--seed", type=int, metavar="N", help="instead of the scene's seed")
    common.add_argument("--steps", type=int, metavar="N", help="instead of the scene's steps")
    common.add_argument(
        "--model", metavar="M", help="folder, .safetensors file, hub id, or bundled"
    )
    common.add_argument(
        "--preset", metavar="P", help="a preset's name, or its file, for style and settings"
    )
    common.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    frame = argparse.ArgumentParser(add_help=False)
    frame.add_argument(
        "--frame", type=_frame, metavar="N", help="instead of the file's current frame"
    )

    generate = commands.add_parser("generate", parents=[common], help="make the scene's picture")
    generate.add_argument(
        "--frame",
        type=_frames,
        metavar="N[-M[:STEP]]",
        help="a frame instead of the file's current one, or several: 1-24, 1-24:2, 1-3:0.5",
    )
    generate.add_argument(
        "--step", type=Fraction, metavar="N", help="every how many frames, as 1-24:N"
    )
    generate.add_argument(
        "--resume",
        action="store_true",
        help="go on with the last shot of these frames: keep those that would be just the same",
    )
    generate.add_argument(
        "--output",
        "-o",
        metavar="OUT",
        help="the picture's file, whose #### become the frame's number, or a folder that ends "
        "in / for one numbered file a frame (default: beside the .blend, several frames in a "
        "folder of their own)",
    )
    generate.add_argument("--quiet", action="store_true", help="no progress on stderr")
    part = commands.add_parser("again", help="make a part of a result anew; the rest stays")
    part.add_argument("--scene", metavar="NAME", help="instead of the file's active scene")
    part.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="NAME",
        help="a region to be made anew; may be given several times",
    )
    part.add_argument(
        "--mask", metavar="M.png", help="a picture as large as the result, white where it changes"
    )
    part.add_argument("--prompt", metavar="TEXT", help="instead of the regions' prompts")
    part.add_argument(
        "--strength", type=float, default=0.0, metavar="S", help="how much stays: 0 (default) to 1"
    )
    part.add_argument("--seed", type=int, metavar="N", help="instead of one at random")
    part.add_argument("--result", metavar="NAME", help="instead of the result that is shown")
    part.add_argument("--output", "-o", metavar="OUT.png", help="the picture's file")
    part.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    part.add_argument("--quiet", action="store_true", help="no progress on stderr")
    part = commands.add_parser("passes", help="write each region's share of a result")
    part.add_argument("--scene", metavar="NAME", help="instead of the file's active scene")
    part.add_argument("--result", metavar="NAME", help="instead of the result that is shown")
    part.add_argument(
        "--output",
        "-o",
        required=True,
        metavar="OUT.exr or FOLDER",
        help="a file with a layer a region and a Cryptomatte, or a folder for a PNG a region",
    )
    part.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    for name, purpose, metavar, file in (
        ("export-job", "write the job that would be sent, for the engine alone", "JOB.json", "job"),
        ("explain", "draw where each region lies and how its weight fades", "OUT.png", "drawing"),
    ):
        written = commands.add_parser(name, parents=[common, frame], help=purpose)
        about = {"metavar": metavar, "help": f"the {file}'s file"}
        written.add_argument("--output", "-o", required=True, **about)
    commands.add_parser(
        "list", parents=[common, frame], help="the regions, where they lie, and what is wrong"
    )
    cli_engine.add_commands(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = build_parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "generate": _generate,
        "again": _again,
        "export-job": _export_job,
        "explain": _explain,
        "passes": _passes,
        "list": _list,
        **cli_engine.ACTIONS,
    }
    try:
        return actions[options.command](options)
    except EngineError as error:
        return _fail(error, options)


def _fail(error: EngineError, options: argparse.Namespace) -> int:
    problems = error.problems if isinstance(error, JobError) else ()
    if getattr(options, "json", False):
        details = {"message": error.message, "kind": error.kind, "advice": error.advice}
        _answer({"error": {**details, "problems": [problem.to_document() for problem in problems]}})
    else:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
    return {"name": WRONG_USAGE, "cancelled": CANCELLED}.get(error.kind, FAILED)


def _answer(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def _warn(warnings: Sequence[str]) -> None:
    for text in warnings:
        print(f"warning: {text}", file=sys.stderr)


def _overrides(options: argparse.Namespace, frame: float | None) -> Overrides:
    """Return what the command line sets instead of the scene."""
    if isinstance(options.preset, str):
        options.preset = find_preset(options.preset)
        _warn([str(problem) for problem in options.preset.warnings])
    names = ("camera", "size", "seed", "steps", "model", "preset")
    given = {name: getattr(options, name) for name in names}
    given["frame"] = frame
    return cast(Overrides, {name: value for name, value in given.items() if value is not None})


def _generate(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    frames: ShotFrames | None = options.frame
    if frames is not None and options.step is not None:
        frames = ShotFrames.of(frames.first, frames.last, options.step)
    if frames is not None and len(frames) > 1:
        return _generate_range(scene, frames, options)
    time = float(frames.first) if frames else None
    number = frames.numbers[0] if frames else scene.frame_current
    interrupted = Event()
    with ProgressBar(quiet=options.quiet) as bar, cli_engine.on_interrupt(interrupted.set):
        picture = scripting.generate(
            scene,
            output=numbered(_pattern(options.output), number) if options.output else None,
            on_progress=partial(_follow, bar, interrupted),
            **_overrides(options, time),
        )
    said = _said(picture, options)
    if options.json:
        _answer({"pictures": [{"frame": number if time is None else _plain(time), **said}]})
    return OK


def _generate_range(scene: bpy.types.Scene, frames: ShotFrames, options: argparse.Namespace) -> int:
    if options.output and not _is_numbered(options.output):
        raise EngineError(
            "several frames do not fit into one file",
            kind="name",
            advice="end --output with /, or write #### where the frame's number belongs",
        )
    interrupted, printed = Event(), set[int]()

    def follow(bar: ProgressBar) -> None:
        if interrupted.is_set():
            engine.queue.stop()
        running = shot.current()
        if running is None:
            return
        for number in {*running.made, *running.kept} - printed if not options.json else ():
            printed.add(number)
            bar.close()
            print(running.record.file(number), flush=True)
        bar.show("frames", running.text, running.share)

    with ProgressBar(quiet=options.quiet) as bar, cli_engine.on_interrupt(interrupted.set):
        made = scripting.generate_range(
            frames,
            scene,
            output=_pattern(options.output) if options.output else None,
            resume=options.resume,
            on_progress=partial(follow, bar),
            **_overrides(options, None),
        )
    for frame in made.frames:
        _warn([f"frame {_plain(frame.time)}: {text}" for text in frame.warnings])
    pictures = [
        {
            **{"frame": _plain(frame.time), "file": str(frame.file), "seed": made.seed},
            **{"warnings": frame.warnings, "is_new": frame.is_new},
        }
        for frame in made.frames
    ]
    if options.json:
        _answer({"pictures": pictures})
    else:
        for number, frame in zip(frames.numbers, made.frames, strict=True):
            if number not in printed:
                print(frame.file, flush=True)
    return OK


def _again(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    interrupted = Event()
    with ProgressBar(quiet=options.quiet) as bar, cli_engine.on_interrupt(interrupted.set):
        picture = scripting.again(
            options.region,
            scene,
            mask=options.mask,
            prompt=options.prompt,
            strength=options.strength,
            seed=options.seed,
            result=options.result,
            output=options.output,
            on_progress=partial(_follow, bar, interrupted),
        )
    said = _said(picture, options)
    if options.json:
        _answer({"pictures": [said]})
    return OK


def _said(picture: scripting.Picture, options: argparse.Namespace) -> dict[str, Any]:
    """Print where a picture is and what was doubtful, and return it as JSON has it."""
    _warn(picture.warnings)
    if not options.json:
        print(picture.file or picture.image.name, flush=True)
    return {
        "file": None if picture.file is None else str(picture.file),
        "seed": picture.seed,
        "warnings": picture.warnings,
    }


def _plain(time: float) -> int | float:
    return int(time) if time == int(time) else time


def _follow(bar: ProgressBar, interrupted: Event) -> None:
    """Show how far the job is; once interrupted, end it."""
    if interrupted.is_set():
        engine.queue.stop()
    state = engine.session.state
    if isinstance(state, Generating):
        progress = state.progress
        counted = progress.row or progress.phase == "sampling"
        share = progress.share if counted else 0.0
        bar.show(progress.phase, progress_text(progress), share)


def _is_numbered(output: str) -> bool:
    return output.endswith(("/", "\\")) or "#" in Path(output).name


def _pattern(output: str) -> str:
    """Return the file that is meant, a folder's with #### for the frame's number."""
    if output.endswith(("/", "\\")):
        return f"{output}{Path(bpy.data.filepath).stem or 'untitled'}-{PLACE}.png"
    return output


def _export_job(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    overrides = _overrides(options, options.frame)
    path = scripting.export_job(options.output, scene, **overrides)
    _warn(scripting.problems(scene, **overrides))
    return _report_file(path, options)


def _passes(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    file = scripting.write_passes(options.output, scene, options.result)
    _answer({"file": str(file)}) if options.json else print(file)
    return OK


def _explain(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    path = scripting.explain(options.output, scene, **_overrides(options, options.frame))
    return _report_file(path, options)


def _report_file(path: Path, options: argparse.Namespace) -> int:
    if options.json:
        _answer({"file": str(path)})
    else:
        print(path)
    return OK


def _list(options: argparse.Namespace) -> int:
    scene = scripting.find_scene(options.scene)
    overrides = _overrides(options, options.frame)
    found = scripting.regions(scene, **overrides)
    problems = scripting.problems(scene, **overrides)
    if options.json:
        canvas = canvas_of(scene)
        width, height = options.size or (canvas.width_px, canvas.height_px)
        camera = options.camera or (scene.camera.name if scene.camera else None)
        about = {"scene": scene.name, "camera": camera, "width": width, "height": height}
        listed = [asdict(region) for region in found]
        _answer({**about, "regions": listed, "problems": problems})
        return OK
    for region in found:
        places = ", ".join(
            f"columns {left}-{right}, rows {top}-{bottom}"
            for top, bottom, left, right in region.rectangles
        )
        state = places or ("not seen" if region.enabled else "off")
        print(f"{region.name}: {region.type}, {state}: {region.prompt}".rstrip(": "))
    _warn(problems)
    return OK


_registered: Any = None


def register() -> None:
    """Make the command known to Blender."""
    global _registered
    _registered = cast(Any, bpy.utils).register_cli_command("mixdiff", main)


def unregister() -> None:
    """Take the command away."""
    bpy.utils.unregister_cli_command(_registered)
