"""`blender -b scene.blend -c mixdiff …` in real executables, with the installed zip."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.cli import main as engine
from engine.contract.png import read_job
from tests.blender.hosts import EXECUTABLE_NAMES, SCRIPTS, Host, HostRun
from tests.engine.conftest import TINY_SD
from tests.engine.model_hub import ModelHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A saved scene and the Blender that opens it."""

    host: Host
    extension_zip: Path
    blend: Path

    def mixdiff(
        self, *words: str | Path, env: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> HostRun:
        """Run the command on the scene."""
        return self.host.run_cli(
            *(*before, "-c", "mixdiff", *words),
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
    lines = run.stderr.splitlines()  # a log's few: a stage's first and last
    assert "Painting" in lines
    assert sum(line.startswith("Step ") for line in lines) < 3
    assert run.output.count(str(picture)) == 1
    assert Image.open(picture).size == (128, 64)
    run = street.mixdiff("export-job", "--output", job, "--seed", "7178915308", "--steps", "3")
    assert run.returncode == 0, run.output
    document = json.loads(job.read_text())
    assert (document["seed"], document["num_inference_steps"]) == (7178915308, 3)
    assert engine(["generate", str(job), "--output", str(again)]) == 0
    assert np.array_equal(np.asarray(Image.open(picture)), np.asarray(Image.open(again)))


def json_of(run: HostRun) -> Any:
    """Return what a command answered: the one line of JSON among what Blender itself prints."""
    assert "Traceback" not in run.output
    return json.loads(next(line for line in run.stdout.splitlines() if line.startswith("{")))


def test_several_frames_become_numbered_files_of_the_size_asked_for(
    street: Street, tmp_path: Path
) -> None:
    words = ("--frame", "9-10", "--size", "64x32", "--steps", "1", "--seed", "5", "--quiet")
    run = street.mixdiff("generate", "--output", f"{tmp_path}/", *words, "--json")
    assert run.returncode == 0, run.output
    pictures = json_of(run)["pictures"]
    assert [picture["frame"] for picture in pictures] == [9, 10]
    assert [picture["seed"] for picture in pictures] == [5, 5]
    files = [Path(picture["file"]) for picture in pictures]
    assert files == [tmp_path / "my street-0009.png", tmp_path / "my street-0010.png"]
    assert [Image.open(file).size for file in files] == [(64, 32), (64, 32)]
    run = street.mixdiff("generate", "--output", tmp_path / "one.png", "--frame", "1-2")
    assert (run.returncode, "several frames" in run.stderr) == (2, True)


def test_ctrl_c_ends_a_job_at_once_and_leaves_nothing(street: Street, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    run = street.host.start_cli(
        *("-c", "mixdiff", "generate", "--output", output, "--steps", "400"),
        extension_zip=street.extension_zip,
        blend=street.blend,
    )
    until = time.monotonic() + 120
    while "Painting" not in run.printed()[1] and time.monotonic() < until:
        time.sleep(0.1)
    run.interrupt()
    began = time.monotonic()
    ended = run.wait(60)
    assert time.monotonic() - began < 10  # a second on a machine that does nothing else
    assert ended.returncode == 130, ended.output
    assert "the job was cancelled" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] in ([], ["sources"])


@pytest.mark.parametrize("executable_host", EXECUTABLE_NAMES[:1], indirect=True)
def test_a_preset_holds_for_one_call(street: Street, tmp_path: Path) -> None:
    job, file = tmp_path / "job.json", tmp_path / "mine.json"
    said = {"prompt": "ink", "num_inference_steps": 3, "colour": "red"}
    file.write_text(json.dumps({"mixdiff_preset": 1, "name": "Mine", **said}))
    run = street.mixdiff("export-job", "--output", job, "--preset", file)
    assert run.returncode == 0, run.output
    assert "warning: colour: is not known and does nothing" in run.stderr
    document = json.loads(job.read_text())
    assert (document["num_inference_steps"], document["regions"][0]["prompt"]) == (
        *(3, "a brick wall, ink"),
    )
    run = street.mixdiff("generate", "--preset", "Watercolor")
    assert run.returncode == 2
    assert "there is no preset 'Watercolor'; the nearest is 'Watercolour'" in run.stderr
    picture = tmp_path / "out.png"
    words = ("--preset", "Watercolour", "--steps", "1", "--output", picture)
    run = street.mixdiff("generate", *words)
    assert run.returncode == 0, run.output
    assert "watercolour" in read_job(picture)["regions"][0]["prompt"]


def test_list_and_explain_show_the_regions(street: Street, tmp_path: Path) -> None:
    run = street.mixdiff("list", "--json")
    assert run.returncode == 0, run.output
    told = json_of(run)
    assert (told["camera"], told["width"], told["height"]) == ("Camera", 128, 64)
    regions = {region["name"]: region for region in told["regions"]}
    assert regions["left"]["rectangles"] == [[0, 64, 0, 80]]
    assert regions["right"]["prompt"] == "green grass"
    assert regions["photo"]["type"] == "image2image"
    run = street.mixdiff("explain", "--output", tmp_path / "explained.png")
    assert run.returncode == 0, run.output
    assert Image.open(tmp_path / "explained.png").width > 256


def test_an_error_in_json_says_the_same(street: Street) -> None:
    run = street.mixdiff("list", "--scene", "Sceen", "--json")
    assert run.returncode == 2
    error = json_of(run)["error"]
    assert (error["kind"], "'Scene'" in error["advice"]) == ("name", True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--help",), 0, "export-job"),
        (("generate", "--help"), 0, "--frame"),
        (("paint",), 2, "invalid choice"),
        (("generate", "--seed", "x"), 2, "--seed"),
        (("generate", "--size", "64"), 2, "1024x512"),
        (("generate", "--camera", "camra"), 2, "'Camera'"),
        (("generate", "--output", "{folder}/o.png", "--steps", "0"), 1, "num_inference_steps"),
        (("generate", "--output", "{folder}/o.png", "--model", "nothing here"), 1, "nothing here"),
        (("generate", "--output", "/dev/null/o.png"), 1, "cannot be written"),
        (("export-job", "--output", "/dev/null/o.json"), 1, "cannot be written"),
    ],
)
def test_each_end_has_its_exit_code(
    words: tuple[str, ...], code: int, says: str, street: Street, tmp_path: Path
) -> None:
    run = street.mixdiff(*(word.format(folder=tmp_path) for word in words))
    assert run.returncode == code, run.output
    assert says in run.output
    assert "Traceback" not in run.output


def test_a_missing_engine_is_an_error_that_says_what_to_do(street: Street, tmp_path: Path) -> None:
    env = {"MIXDIFF_ENGINE_PYTHON": "/nowhere"}
    run = street.mixdiff("generate", "--output", tmp_path / "o.png", env=env)
    assert run.returncode == 1
    assert "/nowhere" in run.stderr


def test_models_are_listed_fetched_when_allowed_and_removed(street: Street, tmp_path: Path) -> None:
    if street.host.name != "blender-5.2":
        pytest.skip("the same in each, and long")
    hub = ModelHub.of_folder(TINY_SD)
    hub.start()
    cache = tmp_path / "hub"
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_CACHE": str(cache)}

    def states() -> dict[str, str]:
        run = street.mixdiff("models", "--json", env=env)
        assert run.returncode == 0, run.output
        return {model["id"]: model["state"] for model in json_of(run)["models"]}

    assert states()["bundled"] == "bundled"
    run = street.mixdiff("download", "owner/name", env=env)
    assert (run.returncode, "stay offline" in run.stderr) == (1, True)
    assert hub.served == []
    run = street.mixdiff("download", "owner/name", env=env, before=["--online-mode"])
    assert run.returncode == 0, run.output
    assert "owner/name is here" in run.stdout
    assert states()["owner/name"] == "downloaded"
    run = street.mixdiff("remove", "owner/name", env=env)
    assert run.returncode == 0, run.output
    assert "owner/name" not in states()
    run = street.mixdiff("remove", "owner/name", env=env)
    assert (run.returncode, "not on this computer" in run.stderr) == (1, True)
    hub.stop()


def test_setup_and_report_say_what_there_is_without_fetching_anything(street: Street) -> None:
    run = street.mixdiff("setup", "--check")
    assert run.returncode == 0, run.output
    used = "is used (named by the variable MIXDIFF_ENGINE_PYTHON); the extension's own is not"
    assert used in run.stdout
    assert "it begins" in run.stdout
    assert "--online-mode" not in run.stderr  # nothing needs to be fetched
    run = street.mixdiff("report")
    assert run.returncode == 0, run.output
    for line in (used, "engine: Starts with the next picture", "tiny-sd, which is here"):
        assert line in run.stdout


def test_setup_says_what_is_wrong_with_the_engine(street: Street, tmp_path: Path) -> None:
    def check(python: str) -> tuple[HostRun, str]:
        env = {"MIXDIFF_ENGINE_PYTHON": python}
        return street.mixdiff("setup", "--check", env=env), street.mixdiff("report", env=env).stdout

    run, report = check("")
    assert (run.returncode, run.stdout.count("engine: not installed")) == (0, 1), run.output
    assert "it begins" not in run.stdout
    assert "--online-mode" in run.stderr
    assert "engine: cannot start" in report
    assert "fault: the engine is not installed" in report
    run, report = check(str(tmp_path / "gone"))
    assert (run.returncode, "gone is not there (named by" in run.stdout) == (1, True), run.output
    assert "gone is not there (named by" in report
    run, report = check(sys.base_prefix + "/bin/python3")  # without torch
    assert run.returncode == 1, run.output
    assert "error: the engine does not begin" in run.stderr
    assert "it begins" not in run.stdout


@pytest.mark.parametrize("executable_host", EXECUTABLE_NAMES[:1], indirect=True)
def test_a_farms_frames_and_seeds_come_together_on_a_sheet(street: Street, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for seed in ("1", "2"):
        words = ("generate", "--frame", "1-2", "--seed", seed, "--steps", "2", "--quiet")
        run = street.mixdiff(*words, "--output", f"{out}/shot-{seed}-####.png")
        assert run.returncode == 0, run.output
    names = [f"shot-{seed}-{frame:04d}.png" for seed in (1, 2) for frame in (1, 2)]
    assert sorted(path.name for path in out.glob("*.png")) == names
    sheet = out / "contact-sheet.png"
    run = street.mixdiff("sheet", out, "--output", sheet)
    assert run.returncode == 0, run.output
    assert Image.open(sheet).size[0] == 2 * 264 + 8
