"""The engine's subcommands: `blender -b -c mixdiff setup`, `report`, `models`, `download` …"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from ..backend import engine, installing, models, report
from ..backend.background_task import BackgroundTask, Idle, Running
from ..backend.environment import why_it_does_not_begin
from ..backend.installation.install import STEPS
from ..backend.wording import task_text
from ..contract import EngineError
from .progress import ProgressBar

OK, FAILED, CANCELLED = 0, 1, 130


def add_commands(commands: Any) -> None:
    """Add the subcommands to the parser's."""
    setup = commands.add_parser(
        "setup",
        help="install the engine, bring it up to date, repair or remove it",
        description="Installs the engine into a folder of the extension's own. What is not on "
        "this computer is fetched, if Blender may go online (--online-mode before -c).",
    )
    what = setup.add_mutually_exclusive_group()
    what.add_argument("--repair", action="store_true", help="fetch everything again")
    what.add_argument("--remove", action="store_true", help="remove what was installed")
    what.add_argument("--check", action="store_true", help="only report what there is")
    what.add_argument(
        "--ray", action="store_true", help="add what a Ray cluster needs (about 0.1 GB)"
    )
    setup.add_argument("--quiet", action="store_true", help="no progress on stderr")
    commands.add_parser("report", help="versions, devices, the log's last lines; no secrets")
    listing = commands.add_parser(
        "models", help="models that are known to work or were downloaded, and which are here"
    )
    listing.add_argument("--json", action="store_true", help="one line of JSON on stdout")
    download = commands.add_parser(
        "download", help="fetch a model from the hub into the folder that other tools use too"
    )
    download.add_argument("--quiet", action="store_true", help="no progress on stderr")
    sheet = commands.add_parser(
        "sheet", help="lay many pictures on one sheet, with their names; needs the engine"
    )
    sheet.add_argument("pictures", nargs="+", metavar="PICTURES", help="PNGs, or folders of them")
    sheet.add_argument("--output", "-o", required=True, metavar="OUT.png", help="the sheet's file")
    take = commands.add_parser("remove", help="remove a model that was downloaded")
    for parser in (download, take):
        parser.add_argument("model", metavar="OWNER/NAME", help="the model on the hub")


def setup(options: argparse.Namespace) -> int:
    """Install, repair, remove or look."""
    try:
        if options.remove:
            installing.uninstall()
        elif not options.check:
            plan = installing.plan()
            lacks_ray = options.ray and not plan.has_ray()
            if options.repair or plan.state() != "ready" or lacks_ray:
                return _install(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    return _report(is_check=options.check)


def _install(options: argparse.Namespace) -> int:
    def show(state: Running) -> str:
        title = state.progress.title
        step = f"[{STEPS.index(title) + 1}/{len(STEPS)}] " if title in STEPS else ""
        return f"{step}{task_text(state)}"

    if options.repair or installing.plan().state() != "ready":
        installing.start(afresh=options.repair)
        if not _followed(installing.task, show, options.quiet):
            return CANCELLED
    if options.ray:
        installing.start_ray()
        if not _followed(installing.task, show, options.quiet):
            return CANCELLED
    return _report()


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Do something at Ctrl-C, to which Blender alone would not listen."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.SIG_DFL)


def _followed(
    task: BackgroundTask,
    words: Callable[[Running], str],
    quiet: bool,
) -> bool:
    """Show how far a task is until it ends; Ctrl-C cancels it. Return whether it was through."""
    with ProgressBar(quiet=quiet) as bar, on_interrupt(task.cancel):
        engine.wait_for(
            task, lambda now: bar.show(now.progress.title, words(now), now.progress.share)
        )
    if isinstance(task.state, Idle):
        print("cancelled; what has arrived is kept", file=sys.stderr)
        return False
    return True


def _report(*, is_check: bool = False) -> int:
    installing.look_again()
    status = installing.status()
    print(f"engine: {report.engine_text()}")
    if status.is_own and status.environment != "ready" and not bpy.app.online_access:
        print("Blender is set to stay offline; --online-mode allows fetching", file=sys.stderr)
    if status.fault and not status.is_own:
        print(f"error: {status.fault}", file=sys.stderr)
        return FAILED if is_check else OK
    if not is_check or status.fault:
        return OK
    try:
        for _ in engine.output_of(("info",), kind="environment"):
            pass
    except EngineError as error:
        why = why_it_does_not_begin(error, status.python)
        print(f"error: the engine does not begin: {why}", file=sys.stderr)
        return FAILED
    print("it begins")
    return OK


def show_report(_: argparse.Namespace) -> int:
    """Print the report."""
    print(report.report_text(), end="")
    return OK


def list_models(options: argparse.Namespace) -> int:
    """Print the models."""
    listed = models.all_listed()
    if options.json:
        print(json.dumps({"models": [model.to_document() for model in listed]}))
    else:
        print(*(model.line for model in listed), sep="\n")
    return OK


def download(options: argparse.Namespace) -> int:
    """Fetch a model."""
    models.start(options.model)
    if not _followed(models.task, task_text, options.quiet):
        return CANCELLED
    print(f"{options.model} is here")
    return OK


def make_sheet(options: argparse.Namespace) -> int:
    """Make a contact sheet."""
    # The engine's program starts where Blender was started, as these paths do.
    words = ("sheet", *options.pictures, "--output", options.output)
    for line in engine.output_of(words, kind="output"):
        print(line)
    return OK


def remove(options: argparse.Namespace) -> int:
    """Remove a model."""
    models.remove(options.model)
    print(f"{options.model} is removed")
    return OK


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "setup": setup,
    "report": show_report,
    "models": list_models,
    "download": download,
    "remove": remove,
    "sheet": make_sheet,
}
