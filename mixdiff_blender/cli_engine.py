"""The engine's subcommands: `blender -b -c mixdiff setup`, `report`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import Any

import bpy

from . import installing, report
from .contract import EngineError
from .installation.faults import gigabytes
from .installation.install import STEPS
from .installation.task import Idle, Installing
from .wording import installing_text

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
    what.add_argument("--check", action="store_true", help="only tell what there is")
    setup.add_argument("--quiet", action="store_true", help="no progress on stderr")
    commands.add_parser("report", help="versions, devices, the log's last lines; no secrets")


def setup(options: argparse.Namespace) -> int:
    """Install, repair, remove or look."""
    try:
        if options.remove:
            installing.uninstall()
        elif not options.check:
            state = installing.plan().state()
            if options.repair or state != "ready":
                return _install(options)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    return _tell()


def _install(options: argparse.Namespace) -> int:
    shown = ""

    def show(state: Installing) -> None:
        nonlocal shown
        text = installing_text(state)
        if text != shown and not options.quiet:
            step = state.progress.step + 1
            print(f"[{step}/{len(STEPS)}] {text}", file=sys.stderr, flush=True)
        shown = text

    previous: Any = None
    if threading.current_thread() is threading.main_thread():
        previous = signal.signal(signal.SIGINT, lambda *_: installing.task.cancel())
    try:
        installing.start(afresh=options.repair)
        installing.wait(show)
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)
    if isinstance(installing.task.state, Idle):
        print("cancelled; what has arrived is kept", file=sys.stderr)
        return CANCELLED
    return _tell()


def _tell() -> int:
    plan = installing.plan()
    state = plan.state()
    words = {"absent": "not installed", "outdated": "installed, and has an update"}
    size = gigabytes(plan.size_bytes()) if state != "absent" else ""
    print(f"engine: {words.get(state, 'installed')}{f' ({size})' if size else ''}")
    if not bpy.app.online_access and state != "ready":
        print("Blender is set to stay offline; --online-mode allows fetching", file=sys.stderr)
    return OK


def show_report(_: argparse.Namespace) -> int:
    """Print the report."""
    print(report.report_text(), end="")
    return OK


ACTIONS = {"setup": setup, "report": show_report}
