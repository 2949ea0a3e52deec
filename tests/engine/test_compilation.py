"""A compiled denoiser makes the same picture; its programs are kept; no compiler is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.engine.conftest import TINY_SD

CHECKOUT = Path(__file__).parents[2]
PLACE = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64, "region_seed": 3}
JOB = {
    "version": 1,
    "model": str(TINY_SD),
    "num_inference_steps": 2,
    "seed": 1,
    "canvas_height": 64,
    "canvas_width": 64,
    "regions": [{"type": "text2image", "prompt": "a house", "guidance_scale": 7.5, **PLACE}],
}


def latents(folder: Path, *options: str, **variables: str) -> np.ndarray:
    (folder / "job.json").write_text(json.dumps(JOB))
    files = {"-o": folder / "out.png", "--latents": folder / "out.npz"}
    written = [str(word) for option in files.items() for word in option]
    command = [sys.executable, "-m", "engine", "generate", str(folder / "job.json")]
    made = subprocess.run(
        [*command, *written, "--dtype", "float32", *options],
        cwd=CHECKOUT,
        env={**os.environ, "TORCH_HOME": str(folder / "torch"), **variables},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    found: np.ndarray = np.load(folder / "out.npz")["latents"]
    return found


def programs(folder: Path) -> set[Path]:
    return set((folder / "torch" / "inductor").rglob("*.so"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_compiled_denoiser_makes_the_same_latents_and_keeps_its_programs(tmp_path: Path) -> None:
    plain = latents(tmp_path)
    assert not programs(tmp_path)
    compiled = latents(tmp_path, "--compile")
    kept = programs(tmp_path)
    assert kept
    assert np.abs(compiled - plain).max() < 1e-4
    assert np.array_equal(latents(tmp_path, "--compile"), compiled)
    assert programs(tmp_path) == kept


def test_without_a_compiler_a_denoiser_runs_as_it_is(tmp_path: Path) -> None:
    plain = latents(tmp_path)
    assert np.array_equal(latents(tmp_path, "--compile", CXX=str(tmp_path / "none")), plain)
    assert not programs(tmp_path)
