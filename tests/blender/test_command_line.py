"""`blender -b scene.blend -c mixdiff …` in real executables, with the installed zip."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.cli import main as engine
from tests.blender.hosts import Host, HostRun
from tests.blender.test_whole_path import SCRIPTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A saved scene and the Blender that opens it."""

    host: Host
    extension_zip: Path
    blend: Path

    def mixdiff(self, *words: str | Path, env: dict[str, str] | None = None) -> HostRun:
        """Run the command on the scene."""
        return self.host.run_cli(
            *("-c", "mixdiff", *words),
            extension_zip=self.extension_zip,
            blend=self.blend,
            env=env,
            timeout_s=200,
        )


@pytest.fixture(scope="module")
def street(
    executable_host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Street:
    blend = tmp_path_factory.mktemp("command line") / "my street.blend"
    script = SCRIPTS / "save_street.py"
    executable_host.run_python(script, blend, extension_zip=extension_zip).check()
    return Street(host=executable_host, extension_zip=extension_zip, blend=blend)


def test_generate_writes_what_the_exported_job_makes(street: Street, tmp_path: Path) -> None:
    picture, job, again = tmp_path / "out.png", tmp_path / "jobs" / "job.json", tmp_path / "2.png"
    run = street.mixdiff("generate", "--output", picture, "--seed", "7178915308", "--steps", "3")
    assert run.returncode == 0, run.output
    assert "step 3 of" in run.stderr
    assert Image.open(picture).size == (128, 64)
    run = street.mixdiff("export-job", "--output", job, "--seed", "7178915308", "--steps", "3")
    assert run.returncode == 0, run.output
    document = json.loads(job.read_text())
    assert (document["seed"], document["num_inference_steps"]) == (7178915308, 3)
    assert engine(["generate", str(job), "--output", str(again)]) == 0
    assert np.array_equal(np.asarray(Image.open(picture)), np.asarray(Image.open(again)))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--help",), 0, "export-job"),
        (("generate", "--help"), 0, "--frame"),
        (("paint",), 2, "invalid choice"),
        (("generate", "--seed", "x"), 2, "--seed"),
        (("generate", "--output", "o.png", "--steps", "0"), 1, "num_inference_steps"),
        (("generate", "--output", "o.png", "--model", "nothing here"), 1, "nothing here"),
        (("generate", "--output", "/dev/null/o.png"), 1, "cannot be written"),
        (("export-job", "--output", "/dev/null/o.json"), 1, "cannot be written"),
    ],
)
def test_each_end_has_its_exit_code(
    words: tuple[str, ...], code: int, says: str, street: Street
) -> None:
    run = street.mixdiff(*words)
    assert run.returncode == code, run.output
    assert says in run.output
    assert "Traceback" not in run.output


def test_a_missing_engine_is_an_error_that_says_what_to_do(street: Street) -> None:
    env = {"MIXDIFF_ENGINE_PYTHON": "/nowhere"}
    run = street.mixdiff("generate", "--output", "o.png", env=env)
    assert run.returncode == 1
    assert "/nowhere" in run.stderr
