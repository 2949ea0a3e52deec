"""Scripts of the tests run in a real Blender: the newest `bpy` of the tests' environments."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.performance.record import Record
from building.environments import environments_folder
from building.extension import build_zip
from tests.blender.hosts import CHECKOUT, WHEEL_NAMES, HostMissingError, find_host

_SCRIPTS = CHECKOUT / "tests" / "blender" / "scripts"


def run_in_blender(record: Record, script: str) -> Any:
    """Return what a script reports; None, with a remark, where there is no Blender."""
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
            return None
        run = host.run_python(_SCRIPTS / script, extension_zip=build_zip(work), timeout_s=300)
        return run.check().result
