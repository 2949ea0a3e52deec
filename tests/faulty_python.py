"""A Python whose engine does something to itself, or to Blender, at a named point.

`install` makes an executable that stands in for the engine's Python. The file that it is given says
what happens where, such as `kill@decoding`; it is read once and then gone, so that the next engine
is a good one.

faults: exit (code 1), kill (SIGKILL), stop (SIGSTOP), orphan (its parent gets a SIGKILL, and it
itself would go on for a minute, or goes on to start).
points: starting, loading, encoding, sampling, decoding; writing: all written, and not in place yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

FAULTS = ("exit", "kill", "stop")
POINTS = ("starting", "loading", "sampling", "decoding", "writing")

_SCRIPT = """#!{python} -u
import json, logging, os, signal, sys, time
from pathlib import Path

PLAN = Path({plan!r})


def act(point):
    try:
        fault, _, at = PLAN.read_text().partition("@")
    except FileNotFoundError:
        return
    if at != point:
        return
    told = {{"pid": os.getpid(), "at": time.time()}}
    PLAN.with_suffix(".told").write_text(json.dumps(told))
    PLAN.unlink()
    if fault == "exit":
        os._exit(1)
    elif fault == "orphan":
        os.kill(os.getppid(), signal.SIGKILL)
        if point != "starting":  # there nothing of the engine runs yet: it goes on to start
            time.sleep(60)
    else:
        os.kill(os.getpid(), {{"kill": signal.SIGKILL, "stop": signal.SIGSTOP}}[fault])


class Points(logging.Filter):
    def filter(self, record):
        if record.msg == "request %s: %s" and isinstance(record.args[1], str):
            if record.args[1] != "writing":
                act(record.args[1])
        return True


really_sync = os.fsync


def sync(descriptor):
    act("writing")
    really_sync(descriptor)


act("starting")
os.fsync = sync
logging.getLogger("engine.worker").addFilter(Points())
code = sys.argv[sys.argv.index("-c") + 1]
sys.argv = ["-c", *sys.argv[sys.argv.index("-c") + 2 :]]
sys.path[:] = sys.path[1:]  # the folder of this script: -P would have left it out
exec(code)
"""


def install(folder: Path) -> tuple[Path, Path]:
    """Return the stand-in for the engine's Python, and the file that says what happens."""
    program, plan = folder / "faulty-python", folder / "fault"
    program.write_text(_SCRIPT.format(python=sys.executable, plan=str(plan)))
    program.chmod(0o755)
    return program, plan
