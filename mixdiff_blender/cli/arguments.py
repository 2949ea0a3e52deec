"""What the command line takes: its commands, and what each of their options may be."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction

from ..contract import WRAPS, EngineError
from ..job.frames import ShotFrames
from . import engine as cli_engine


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)\s*[xX×]\s*(\d+)", text.strip())
    if not found or not all(int(part) for part in found.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give one such as 1024x512")
    return int(found[1]), int(found[2])


def _side(text: str) -> int:
    if not text.isdecimal() or not 16 <= int(text) <= 8192:
        raise argparse.ArgumentTypeError(f"{text!r} is no side; give pixels from 16 to 8192")
    return int(text)


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


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no scale; give one such as 2")
    return scale


def _add_result_and_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--result", metavar="NAME", help="instead of the result that is shown")
    parser.add_argument("--output", "-o", metavar="OUT.png", help="the picture's file")
    parser.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


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
    common.add_argument(
        "--wrap", choices=WRAPS, help="which ways the picture repeats, instead of the scene's"
    )
    common.add_argument("--seed", type=int, metavar="N", help="instead of the scene's seed")
    common.add_argument("--steps", type=int, metavar="N", help="instead of the scene's steps")
    common.add_argument(
        "--model", metavar="M", help="folder, .safetensors file, hub id, or bundled"
    )
    common.add_argument(
        "--lora",
        action="append",
        dest="loras",
        metavar="FILE[:WEIGHT]",
        help="a LoRA of the whole picture, beside the scene's: a file, or its name on the hub",
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
        "--keep-made",
        action="store_true",
        help="go on, and keep the frames too that were made with other settings",
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
    _add_result_and_output(part)
    larger = commands.add_parser("enlarge", help="make a result larger, with detail")
    larger.add_argument("--scene", metavar="NAME", help="instead of the file's active scene")
    larger.add_argument(
        "--scale", type=_scale, default=2.0, metavar="X", help="how many times (default: 2)"
    )
    larger.add_argument(
        "--strength", type=float, metavar="S", help="how much stays, 0 to 1, instead of the scene's"
    )
    larger.add_argument(
        "--steps", type=int, metavar="N", help="instead of as many as keep the result's pace"
    )
    larger.add_argument("--seed", type=int, metavar="N", help="instead of the result's own")
    larger.add_argument(
        "--picture", metavar="P.png", help="instead of the result's own: the same one, retouched"
    )
    _add_result_and_output(larger)
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
    part = commands.add_parser("bake", help="bake what is projected to pictures of UV maps")
    part.add_argument("--scene", metavar="NAME", help="instead of the file's active scene")
    part.add_argument(
        "--object",
        action="append",
        default=[],
        dest="objects",
        metavar="NAME",
        help="an object to be baked; may be given several times (default: all with a projection)",
    )
    part.add_argument(
        "--size", type=_side, default=2048, metavar="N", help="pixels of a side (default: 2048)"
    )
    part.add_argument(
        "--margin",
        type=int,
        default=16,
        metavar="N",
        help="pixels by which colours go on beyond islands (default: 16)",
    )
    part.add_argument(
        "--new-uv-map", action="store_true", help="use a UV map of their own without overlaps"
    )
    part.add_argument(
        "--save", action="store_true", help="save the .blend, with the UV maps that were made"
    )
    part.add_argument("--output", "-o", metavar="FOLDER", help="instead of the scene's folder")
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
