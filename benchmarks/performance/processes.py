"""Jobs in processes of their own, as a person's command runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.performance.record import ROOT


def generate(job: Path, *options: str, variables: Mapping[str, str]) -> None:
    """Run the engine's `generate` on a job's file, with more variables than this process has.

    Raises: subprocess.CalledProcessError where it fails.
    """
    command = [sys.executable, "-m", "engine", "generate", str(job), "--quiet"]
    subprocess.run(
        [*command, "--output", str(job.with_suffix(".png")), *options],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
    )
