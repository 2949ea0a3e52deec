"""Part `button`: from Generate, pressed in a Blender, to the first word of the engine."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.performance.record import Aim, Record
from building.environments import environments_folder
from building.extension import build_zip
from tests.blender.hosts import CHECKOUT, WHEEL_NAMES, HostMissingError, find_host

_SCRIPT = CHECKOUT / "tests" / "blender" / "scripts" / "button.py"
_AIM = Aim(value=0.3, at_least=False)


def measure(record: Record) -> None:
    """The newest bpy wheel without a window; one draws the word at the session's next tick."""
    part = "Blender's button to the engine's first word, bundled model"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            host = find_host(
                WHEEL_NAMES[-1],
                environments=environments_folder(),
                engine_python=Path(sys.executable),
                work=work,
            )
        except HostMissingError as error:
            record.remark(f"left out: {error}")
            return
        done = host.run_python(_SCRIPT, extension_zip=build_zip(work), timeout_s=300).check()
    first, *later = done.result
    record.put(part, "first job (starts the engine, imports torch)", first, "s")
    record.put(part, "later jobs, median", median(later), "s", _AIM)
    record.series["button"] = {"first": first, "later": later}
