"""`blender -b FILE.blend -c mixdiff …`: the same without a window."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, cast

import bpy

from .. import scripting
from ..backend import engine
from ..backend.states import Generating
from ..backend.wording import progress_text
from ..contract import EngineError, JobError
from ..job.frames import ShotFrames, numbered
from ..job.overrides import Overrides
from ..job.presets import find_preset
from ..job.regions.camera import canvas_of
from ..results import shot
from ..results.baking.task import in_words
from ..results.shot_record import PLACE
from . import engine as cli_engine
from .arguments import build_parser
from .engine import CANCELLED, FAILED, OK
from .progress import ProgressBar

WRONG_USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        options = build_parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse has said why on stderr
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "generate": _generate,
        "again": _again,
        "enlarge": _enlarge,
        "export-job": _export_job,
        "explain": _explain,
        "passes": _passes,
        "bake": _bake,
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
    names = ("camera", "size", "wrap", "seed", "steps", "model", "preset", "loras")
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
            resume=options.resume or options.keep_made,
            keep_made=options.keep_made,
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
    make = partial(scripting.again, options.region, mask=options.mask, prompt=options.prompt)
    return _of_result(make, options)


def _enlarge(options: argparse.Namespace) -> int:
    make = partial(scripting.enlarge, options.scale, steps=options.steps, picture=options.picture)
    return _of_result(make, options)


def _of_result(make: Callable[..., scripting.Picture], options: argparse.Namespace) -> int:
    """Make a picture of a result, and say what came of it."""
    interrupted = Event()
    with ProgressBar(quiet=options.quiet) as bar, cli_engine.on_interrupt(interrupted.set):
        picture = make(
            scene=scripting.find_scene(options.scene),
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
    return _report_file(scripting.write_passes(options.output, scene, options.result), options)


def _bake(options: argparse.Namespace) -> int:
    baked = scripting.bake(
        options.objects,
        scripting.find_scene(options.scene),
        size=options.size,
        margin=max(options.margin, 0),
        new_uv_map=options.new_uv_map,
        output=options.output,
    )
    _warn([line for one in baked for line in in_words(one)])
    if options.save:
        bpy.ops.wm.save_mainfile()
    elif made := [one.object for one in baked if one.is_new_map]:
        names = ", ".join(made)
        _warn([f"{names}: --save keeps the UV map that was made, which is in no file yet"])
    if options.json:
        files = [{"object": one.object, "files": [str(f) for f in one.files]} for one in baked]
        _answer({"pictures": files})
    else:
        for file in (file for one in baked for file in one.files):
            print(file, flush=True)
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
