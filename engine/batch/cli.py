"""`python -m engine batch JOBS…` and `sheet`: their options, and what is said."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from engine.batch.pool import run_batch
from engine.batch.tasks import BatchTask, Part, numbers, tasks_of
from engine.batch.work_queue import (
    Began,
    Closed,
    Failed,
    Lost,
    Made,
    News,
    OpenEngine,
    Stepped,
)
from engine.contract.errors import EngineError
from engine.contract.files import atomic_write
from engine.contract.limits import Limits
from engine.storage.png import PNG, require_png

_OK, _FAILED = 0, 1
_TELL_EVERY_S = 0.5
_ANY_CLUSTER = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "jobs",
        nargs="+",
        type=Path,
        metavar="JOBS",
        help="job files, PNGs that the engine made, and folders of either",
    )
    parser.add_argument(
        "--output", "-o", type=Path, default=Path(), metavar="FOLDER", help="the pictures' folder"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--seeds", type=_numbers, default=(), metavar="1-16", help="each job with these seeds"
    )
    which.add_argument(
        "--variants",
        type=_count,
        default=1,
        metavar="N",
        help="each job N times, counting on from its seed",
    )
    parser.add_argument(
        "--part", type=_part, default=Part(), metavar="K/N", help="every N-th picture from the K-th"
    )
    parser.add_argument("--model", metavar="M", help="folder, .safetensors file, hub id, bundled")
    parser.add_argument(
        "--ray",
        nargs="?",
        const=_ANY_CLUSTER,
        metavar="ADDRESS",
        help="on a Ray cluster: at HOST:PORT, or the one that this machine belongs to; `local` for "
        "one of this machine alone",
    )
    add_share_argument(parser)
    parser.add_argument(
        "--max-canvas-px",
        type=int,
        default=Limits().max_canvas_px,
        metavar="N",
        help="refuse canvases of more pixels (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="what happens, as JSON lines")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def add_share_argument(parser: argparse.ArgumentParser) -> None:
    """Add what an engine takes of a cluster without GPUs."""
    parser.add_argument(
        "--cpus-each",
        type=_count,
        default=4,
        metavar="N",
        help="a cluster without GPUs: cores of an engine (default: %(default)s)",
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return numbers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


def _part(text: str) -> Part:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; give 1/8 for the first of eight")
    return Part(number=int(number), of=int(of))


def make_all(options: argparse.Namespace) -> int:
    """Make all pictures that are not there yet; 0 where all are there in the end."""
    folder, limits = options.output.absolute(), Limits(max_canvas_px=options.max_canvas_px)
    tasks = options.part.of_all(
        tasks_of(
            options.jobs,
            folder,
            seeds=options.seeds,
            variants=options.variants,
            model=options.model,
            is_model_here=options.ray is None,
            limits=limits,
        )
    )
    missing = [task for task in tasks if not task.is_made]
    _make_folder(folder)
    show = _Lines(len(tasks), missing) if options.json else _Bar(len(tasks), missing, options)
    failed = 0
    with show:
        if missing:
            with _places(options, limits) as places:
                for one in run_batch(missing, places):
                    failed += isinstance(one, Failed)
                    show.tell(one)
    end = {"pictures": len(tasks), "made": len(missing) - failed, "failed": failed}
    if options.json:
        print(json.dumps({"all": end}), flush=True)
    else:
        there = len(tasks) - len(missing)
        print(f"{end['made']} made, {there} were there, {failed} failed: {folder}")
    return _FAILED if failed else _OK


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)  # paths of jobs lead through it
    except OSError as error:
        raise EngineError(
            f"{folder} cannot be made: {error.strerror or error}",
            kind="output",
            advice="choose another folder with --output",
        ) from error


@contextmanager
def _places(options: argparse.Namespace, limits: Limits) -> Iterator[dict[str, OpenEngine]]:
    if options.ray is None:
        from engine.batch.local import places_here

        yield places_here(options.device, options.dtype, limits)
        return
    from engine.batch.cluster import Wanted, cluster

    wanted = Wanted(
        device=options.device, dtype=options.dtype, cpus_each=options.cpus_each, limits=limits
    )
    with redirect_stdout(sys.stderr), cluster(options.ray, wanted) as places:
        yield places


def add_sheet_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command that makes a contact sheet."""
    parser.add_argument(
        "pictures", nargs="+", type=Path, metavar="PICTURES", help="pictures, or folders of PNGs"
    )
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="OUT.png")
    parser.add_argument("--columns", type=_count, default=0, metavar="N", help="pictures in a row")


def make_sheet(options: argparse.Namespace) -> int:
    """Make a contact sheet; one that was made before is not on itself."""
    from engine.batch.sheet import contact_sheet

    output = options.output.absolute()
    require_png(output)
    paths: list[Path] = []
    for path in options.pictures:
        folder = path.absolute()
        inside = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        paths += (
            one for one in inside if one != output and (one == folder or one.suffix.lower() == PNG)
        )
    sheet = contact_sheet(paths, columns=options.columns)
    with atomic_write(output) as file:
        sheet.save(file, "PNG")
    print(output)
    return _OK


class _Progress:
    """What all pictures together have come to."""

    def __init__(self, total: int, missing: list[BatchTask]) -> None:
        self.total, self.done = total, total - len(missing)
        self._first, self._began = self.done, time.monotonic()
        self._out = sys.stdout  # what Ray prints goes elsewhere
        self.running: dict[str, Began | Stepped] = {}

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def tell(self, news: News) -> None:
        """Take in what happened."""
        match news:
            case Began() | Stepped():
                self.running[news.place] = news
            case _:
                self.running.pop(news.place, None)
                self.done += isinstance(news, Made | Failed)

    @property
    def remaining_s(self) -> float | None:
        """How long the rest takes, as far as the past tells."""
        made = self.done - self._first
        elapsed = time.monotonic() - self._began
        return round(elapsed / made * (self.total - self.done), 1) if made else None


class _Lines(_Progress):
    """JSON lines: each picture's end at once, how far all are twice a second."""

    def __init__(self, total: int, missing: list[BatchTask]) -> None:
        super().__init__(total, missing)
        self._told = 0.0
        self._say(self._standing())

    def tell(self, news: News) -> None:
        """Say what happened."""
        super().tell(news)
        match news:
            case Made():
                seed = news.task.job.seed
                made = {"made": str(news.task.output), "seed": seed, "place": news.place}
                warnings = [str(problem) for problem in news.account.problems]
                self._say({**made, "seconds": round(news.seconds, 3), "warnings": warnings})
            case Failed() | Lost():
                name = "failed" if isinstance(news, Failed) else "lost"
                self._say({name: str(news.task.output), "place": news.place, **_why(news)})
            case Closed():
                self._say({"closed": news.place, **_why(news)})
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_S:
            self._told = now
            self._say(self._standing())

    def _standing(self) -> dict[str, Any]:
        running = [
            {
                "picture": one.task.output.name,
                "place": place,
                "step": one.step if isinstance(one, Stepped) else 0,
                "steps": one.steps if isinstance(one, Stepped) else None,
            }
            for place, one in self.running.items()
        ]
        facts = {"done": self.done, "total": self.total, "remaining_s": self.remaining_s}
        return {"progress": facts, "running": running}

    def _say(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self._out, flush=True)


def _why(news: Failed | Lost | Closed) -> dict[str, str]:
    error = news.error
    return {"kind": error.kind, "message": error.message, "advice": error.advice}


class _Bar(_Progress):
    """A bar over all pictures, and a line for each that is made or is not."""

    def __init__(self, total: int, missing: list[BatchTask], options: argparse.Namespace) -> None:
        from tqdm import tqdm

        super().__init__(total, missing)
        self._bar = tqdm(
            total=total, initial=self.done, unit="picture", leave=False, disable=options.quiet
        )

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def tell(self, news: News) -> None:
        """Move the bar on."""
        super().tell(news)
        match news:
            case Made():
                self._bar.write(f"{news.task.output} ({news.seconds:.1f} s)", file=self._out)
                for problem in news.account.problems:
                    name = news.task.output.name
                    self._bar.write(f"warning: {name}: {problem}", file=sys.stderr)
            case Failed() | Lost():
                what = "failed" if isinstance(news, Failed) else "lost, and waits again"
                self._bar.write(f"{what}: {news.task.output.name}: {news.error}", file=sys.stderr)
            case Closed():
                self._bar.write(f"{news.place} is given up: {news.error}", file=sys.stderr)
        self._bar.update(self.done - self._bar.n)
        self._bar.set_postfix_str(f"{len(self.running)} at work")
