"""The command line: `python -m engine generate | again | batch | sheet | validate | …`."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import __version__, earlier
from engine.batch import cli as batch
from engine.contract.catalogue import cache_folder, listed
from engine.contract.checks import check
from engine.contract.devices import AUTO, DEVICES, DTYPES
from engine.contract.errors import EngineError, JobError, ModelError, Problem
from engine.contract.files import is_file, is_there, path_in
from engine.contract.fitting import fitting_first
from engine.contract.job import to_document
from engine.contract.limits import Limits
from engine.contract.loras import lora_of_text
from engine.contract.models import model_problems
from engine.contract.networks import rest_to_fetch
from engine.process.imports import for_good
from engine.process.kernels import keep_kernels
from engine.process.threads import wait_briefly
from engine.storage.job_files import Source, read_source

if TYPE_CHECKING:
    from engine.sampling.ranks import Ranks

OK, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="Pictures composed by region: Mixture of Diffusers."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    common, source, device, goal, as_json = (
        argparse.ArgumentParser(add_help=False) for _ in range(5)
    )
    common.add_argument("--traceback", action="store_true", default=argparse.SUPPRESS)
    source.add_argument(
        "job",
        type=Path,
        metavar="JOB",
        help="a job file, a grid configuration of the original, or a PNG that the engine made",
    )
    source.add_argument(
        "--max-canvas-px",
        type=int,
        default=Limits().max_canvas_px,
        metavar="N",
        help="refuse canvases of more pixels (default: %(default)s)",
    )
    device.add_argument("--device", choices=DEVICES, default=AUTO, help="where to run")
    device.add_argument("--dtype", choices=DTYPES, default=AUTO, help="the precision")
    as_json.add_argument("--json", action="store_true", help="as JSON on stdout")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], what: str, *parents: Any
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common, *parents], help=what)
        made.set_defaults(run=run)
        return made

    goal.add_argument("--model", metavar="M", help="folder, .safetensors file, hub id, or bundled")
    goal.add_argument(
        "--lora",
        action="append",
        default=[],
        metavar="FILE[:WEIGHT]",
        help="a LoRA for the whole picture, beside the job's own: a file, or its name on the hub",
    )
    goal.add_argument("--output", "-o", type=Path, metavar="OUT.png", help="the picture's file")
    goal.add_argument("--latents", type=Path, metavar="OUT.npz", help="latents before decoding")
    goal.add_argument("--quiet", action="store_true", help="no progress bar")
    made = (source, device, goal)
    command("generate", _generate, "make a job's picture", *made)
    earlier.add_again_arguments(
        command("again", _again, "make a part of a picture anew; the rest stays", *made)
    )
    earlier.add_enlarge_arguments(
        command("enlarge", _enlarge, "make a picture larger, with the detail that it lacks", *made)
    )
    batch.add_arguments(
        command("batch", batch.make_all, "many pictures, on all devices or a cluster", device)
    )
    batch.add_sheet_arguments(
        command("sheet", batch.make_sheet, "many pictures on one sheet, with their names")
    )
    validate = command("validate", _validate, "list what is wrong with a job", source, as_json)
    validate.add_argument(
        "--memory", action="store_true", help="and what it takes of this machine's (loads torch)"
    )
    explain = command("explain", _explain, "draw a job's regions and their weights", source)
    explain.add_argument("--output", "-o", type=Path, required=True, metavar="OUT.png")
    passes = command(
        "passes", _passes, "each region's share of a picture, as OpenEXR or PNGs", source, as_json
    )
    passes.add_argument("--output", "-o", type=Path, required=True, metavar="OUT.exr or FOLDER")
    command("info", _info, "versions, devices, memory", device, as_json)
    command("models", _models, "models that are known to work, and which are here", as_json)
    download = command(
        "download", _download, "fetch a model or a LoRA from the hub into its normal cache", as_json
    )
    remove = command("remove", _remove, "remove a downloaded model")
    download.add_argument(
        "id",
        metavar="OWNER/NAME[/FILE] or FILE",
        help="what it is on the hub, or a file that holds a network alone: what it lacks",
    )
    remove.add_argument("id", metavar="OWNER/NAME[/FILE]", help="what it is on the hub")
    serve = command("serve", _serve, "the worker: JSON-RPC over stdin and stdout")
    serve.add_argument(
        "--ray", metavar="HOST:PORT", help="hand jobs on to a Ray cluster, as many as it has GPUs"
    )
    batch.add_share_argument(serve)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = build_parser().parse_args(arguments)
    wait_briefly()
    keep_kernels()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold any bytes
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        _show(error, options.traceback)
        return WRONG_INPUT if isinstance(error, JobError) else FAILED


def _show(error: Exception, with_traceback: bool) -> None:
    if with_traceback:
        traceback.print_exception(error)
        return
    if isinstance(error, EngineError):
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
    else:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        advice = "this is a fault of the engine; run again with --traceback to see where"
        print(advice, file=sys.stderr)


def _free_name(path: Path) -> Path:
    """Return the path, or the first numbered one beside it where nothing stands yet."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def _again(options: argparse.Namespace) -> int:
    return _run(earlier.part_anew(options), options)


def _enlarge(options: argparse.Namespace) -> int:
    return _run(earlier.enlarged_source(options), options)


def _generate(options: argparse.Namespace) -> int:
    return _run(read_source(options.job), options)


def _run(source: Source, options: argparse.Namespace) -> int:
    from engine.sampling.ranks import joined

    with joined() as ranks:
        return _run_as(ranks, source, options)


def _with_own_weights(document: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Return a job with the model and the LoRAs that the command line names."""

    def found(name: str) -> str:
        # Unlike a job's paths, those of the command line start at the current folder.
        local = path_in(Path.cwd(), name)
        return str(local) if is_there(local) else name

    if options.model is not None:
        document = {**document, "model": found(options.model)}
    added = [lora_of_text(text) for text in options.lora]
    if added:
        own = document.get("loras") or []
        added = [replace(lora, lora=found(lora.lora)) for lora in added]
        document = {**document, "loras": [*own, *map(to_document, added)]}
    return document


def _run_as(ranks: Ranks, source: Source, options: argparse.Namespace) -> int:
    from tqdm import tqdm

    with for_good():
        from engine.model_keeper import ModelKeeper
        from engine.process.quiet import silence_libraries
        from engine.run import RunRequest, run
        from engine.runtime.devices import choose_device
        from engine.sampling.events import Done, MemoryPlanned, PhaseBegan, StepDone

        silence_libraries()
    document, folder = source.document, source.folder
    if isinstance(document, dict):
        document = _with_own_weights(document, options)
    wanted = {"device": options.device, "dtype": options.dtype}
    for name, value in wanted.items():
        # A PNG is made again as it was made, unless asked otherwise.
        if value == AUTO and isinstance(source.run.get(name), str):
            wanted[name] = source.run[name]
    try:
        device = choose_device(**wanted)
    except EngineError as error:
        if AUTO not in (options.device, options.dtype):
            raise
        device = choose_device(options.device, options.dtype)
        made_on = " in ".join(wanted.values())
        print(
            f"warning: made on {made_on}, and again on {device.torch_device}: {error}",
            file=sys.stderr,
        )
    output = options.output or _free_name(Path.cwd() / f"{options.job.stem}.png")
    request = RunRequest(
        document=document, folder=folder, output=output.absolute(), latents=options.latents
    )
    limits = Limits(max_canvas_px=options.max_canvas_px)
    said = check(document, folder=folder, limits=limits).warnings
    for problem in said if ranks.is_first else ():
        print(f"warning: {problem}", file=sys.stderr)
    with tqdm(unit="step", leave=False, disable=options.quiet or not ranks.is_first) as bar:
        for event in run(request, ModelKeeper(device=device), limits=limits, ranks=ranks):
            match event:
                case PhaseBegan():
                    bar.set_description(event.phase)
                    if event.phase == "sampling":
                        bar.reset()  # so that the time left is the steps' own
                case MemoryPlanned() if ranks.is_first and not options.quiet:
                    bar.write(f"memory: {event.text}", file=sys.stderr)
                case StepDone():
                    bar.total = event.steps
                    bar.update()
                case Done():
                    seconds = sum(event.timings_s.values())
                    done = event
    if not ranks.is_first:
        return OK
    for problem in done.problems:  # what showed while it was made
        if problem not in said:
            print(f"warning: {problem}", file=sys.stderr)
    print(f"{done.output} (seed {done.job['seed']}, {seconds:.1f} s)")
    return OK


def _validate(options: argparse.Namespace) -> int:
    source, limits = read_source(options.job), Limits(max_canvas_px=options.max_canvas_px)
    checked = check(source.document, folder=source.folder, limits=limits)
    of_model, memory = tuple[Problem, ...](), ""
    if job := checked.job:
        of_model = model_problems(job.model, source.folder)
        if options.memory:
            from engine.machine import memory_of_job

            memory, too_large = memory_of_job(job, source.folder)
            of_model += too_large
    problems = [*checked.problems, *of_model]
    if options.json:
        print(json.dumps([problem.to_document() for problem in problems]))
    else:
        for problem in problems:
            print(f"{problem.severity}: {problem}", file=sys.stderr)
        if job:
            size = f"{job.canvas_width} × {job.canvas_height}"
            print(f"{options.job}: {size}, {len(job.regions)} regions")
            if memory:
                print(f"memory: {memory}")
    return WRONG_INPUT if checked.job is None or of_model else OK


def _explain(options: argparse.Namespace) -> int:
    from engine.explain import write_explanation

    source, limits = read_source(options.job), Limits(max_canvas_px=options.max_canvas_px)
    job = check(source.document, folder=source.folder, limits=limits).job_or_raise()
    write_explanation(job, options.output, folder=source.folder, limits=limits)
    print(options.output)
    return OK


def _passes(options: argparse.Namespace) -> int:
    from engine.passes import write_passes

    source, limits = read_source(options.job), Limits(max_canvas_px=options.max_canvas_px)
    job = check(source.document, folder=source.folder, limits=limits).job_or_raise()
    names = write_passes(job, options.job, options.output, folder=source.folder, limits=limits)
    print(json.dumps({"layers": names}) if options.json else options.output)
    return OK


def _models(options: argparse.Namespace) -> int:
    from engine.machine import this_machine

    found = fitting_first(listed(cache_folder(os.environ)), this_machine())
    if options.json:
        print(json.dumps([model.to_document() for model in found]))
    else:
        print(*(model.line for model in found), sep="\n")
    return OK


def _download(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from engine.runtime.hub import download

    file = path_in(Path.cwd(), options.id)
    is_rest = is_file(file)
    id_ = rest_to_fetch(file) if is_rest else options.id
    if not id_:
        raise ModelError(f"{file} lacks nothing that could be downloaded", "use it as it is")
    with tqdm(unit="B", unit_scale=True, leave=False, disable=options.json) as bar:

        def show(done: int, total: int) -> None:
            if options.json:
                print(json.dumps({"done_bytes": done, "total_bytes": total}), flush=True)
            bar.total = total
            bar.update(done - bar.n)

        folder = download(id_, show, without_network=is_rest)
    print(json.dumps({"folder": str(folder)}) if options.json else folder)
    return OK


def _remove(options: argparse.Namespace) -> int:
    from engine.runtime.hub import remove

    print(f"{remove(options.id) / 1e6:.1f} MB are free again")
    return OK


def _info(options: argparse.Namespace) -> int:
    from engine.machine import machine_facts

    facts = machine_facts(options.device, options.dtype)
    if options.json:
        print(json.dumps(facts))
        return OK
    for name, version in facts["versions"].items():
        print(f"{name:14} {version}")
    print(f"{'platform':14} {facts['platform']}")
    print(f"{'device':14} {facts['device']} ({facts['device_name']}), {facts['dtype']}")
    free, total = (facts["memory"][key] / 2**30 for key in ("free_bytes", "total_bytes"))
    print(f"{'memory':14} {free:.1f} GiB free of {total:.1f}")
    return OK


def _serve(options: argparse.Namespace) -> int:
    if options.ray is not None:
        from engine.batch.relay import relay

        return relay(options.ray, cpus_each=options.cpus_each)
    from engine.serve import serve

    return serve()
