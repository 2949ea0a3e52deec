"""The command line, in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import __version__
from engine.cli import main
from tests.contract.jobs import right_job
from tests.engine.conftest import DATA, TINY_SD

CHECKOUT = Path(__file__).parents[2]


def engine(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=folder or CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    job = {**right_job(), "num_inference_steps": 2, "model": "models/tiny"}
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 64}
    photo = {"type": "image2image", **place, "reference_image": "photo ü.png", "strength": 0.5}
    job["regions"].append(photo)
    shutil.copytree(TINY_SD, tmp_path / "models" / "tiny")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo ü.png")
    path = tmp_path / "my job.json"
    path.write_text(json.dumps(job))
    return path


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path))


def test_a_job_file_becomes_a_picture_and_the_picture_becomes_itself(
    job_file: Path, tmp_path: Path
) -> None:
    first, again = tmp_path / "out" / "a.png", tmp_path / "b.png"
    made = engine("generate", job_file, "--output", first, "--latents", tmp_path / "a.npz")
    assert (made.returncode, made.stdout.split(" (")[0]) == (0, str(first))
    assert pixels(first).shape == (64, 128, 3)
    assert np.load(tmp_path / "a.npz")["latents"].shape == (1, 4, 8, 16)
    assert engine("generate", first, "-o", again, "--quiet").returncode == 0
    assert np.array_equal(pixels(first), pixels(again))


def test_the_originals_grid_runs_as_it_stands(tmp_path: Path) -> None:
    grid = DATA / "reference" / "grid_linear_forest.json"
    made = engine(
        *("generate", grid, "--model", TINY_SD, "--dtype", "float32", "-o", tmp_path / "g.png")
    )
    assert made.returncode == 0, made.stderr
    expected = np.load(grid.with_suffix(".npz"))["image"]
    found = pixels(tmp_path / "g.png").astype(int)
    assert np.abs(found - expected.reshape(found.shape)).max() <= 1


def test_without_an_output_the_picture_gets_a_free_name_here(
    job_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "my job.png").write_text("somebody's")
    assert engine("generate", job_file, folder=folder).returncode == 0
    assert (folder / "my job.png").read_text() == "somebody's"
    assert pixels(folder / "my job-2.png").shape == (64, 128, 3)


def test_a_png_made_in_bfloat16_is_made_again_in_bfloat16(job_file: Path, tmp_path: Path) -> None:
    first, again, plain = (tmp_path / f"{name}.png" for name in "abc")
    assert main(["generate", str(job_file), "-o", str(first), "--dtype", "bfloat16"]) == 0
    assert main(["generate", str(first), "-o", str(again)]) == 0
    assert main(["generate", str(first), "-o", str(plain), "--dtype", "float32"]) == 0
    assert np.array_equal(pixels(first), pixels(again))
    assert not np.array_equal(pixels(first), pixels(plain))


def test_what_was_drawn_at_random_is_kept_in_the_png(job_file: Path, tmp_path: Path) -> None:
    job = json.loads(job_file.read_text())
    job["regions"][0].update(guidance_scale=None, noise_eps=0.5)
    job_file.write_text(json.dumps({**job, "seed": None}))
    first, again = tmp_path / "a.png", tmp_path / "b.png"
    assert main(["generate", str(job_file), "-o", str(first)]) == 0
    assert main(["generate", str(first), "-o", str(again)]) == 0
    assert np.array_equal(pixels(first), pixels(again))


def test_decode_steps_writes_a_picture_of_every_step(job_file: Path, tmp_path: Path) -> None:
    job = json.loads(job_file.read_text())
    job_file.write_text(json.dumps({**job, "decode_steps": True, "scheduler": "ddim"}))
    assert main(["generate", str(job_file), "-o", str(tmp_path / "a.png")]) == 0
    names = [path.name for path in sorted((tmp_path / "a-steps").iterdir())]
    assert names == ["0001.png", "0002.png"]
    assert np.array_equal(pixels(tmp_path / "a-steps" / "0002.png"), pixels(tmp_path / "a.png"))


def test_a_wrong_job_lists_its_problems_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps({**right_job(), "seed": -1, "canvas_widht": 3}))
    for command in (["generate"], ["validate"], ["explain", "-o", str(tmp_path / "e.png")]):
        told = engine(command[0], path, *command[1:])
        assert told.returncode == 2
        assert "seed: -1 is negative" in told.stderr
        assert "did you mean 'canvas_width'?" in told.stderr
        assert "Traceback" not in told.stderr
    assert not (tmp_path / "e.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["generate", "nothing.json"], 1, "nothing.json cannot be read"),
        (["generate"], 2, "JOB"),
        (["paint"], 2, "invalid choice"),
        (["generate", "{job}", "--model", "nothing-here"], 1, "no folder or file"),
        (["generate", "{job}", "--device", "cuda"], 1, "'cuda' is not available"),
        (["generate", "{job}", "--max-canvas-px", "100"], 2, "over the limit of 100"),
        (["generate", "{job}", "-o", "/dev/null/x.png"], 1, "cannot be written"),
    ],
)
def test_each_failure_has_its_exit_code_and_its_reason(
    arguments: list[str], code: int, says: str, job_file: Path
) -> None:
    told = engine(*(str(job_file) if a == "{job}" else a for a in arguments))
    assert told.returncode == code
    assert says in told.stderr
    assert "Traceback" not in told.stderr


def test_traceback_shows_where_an_error_came_from() -> None:
    assert "Traceback" in engine("generate", "nothing.json", "--traceback").stderr


@pytest.mark.parametrize("model", ["models/none.safetensors", "owner/none", "https://x.org/m"])
def test_validate_answers_for_what_will_run(
    model: str, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job_file.write_text(json.dumps({**json.loads(job_file.read_text()), "model": model}))
    assert main(["validate", str(job_file)]) == 2
    assert model in capsys.readouterr().err
    assert main(["validate", "--json", str(job_file)]) == 2
    assert [problem["field"] for problem in json.loads(capsys.readouterr().out)] == ["model"]


def test_problems_are_json_whatever_letters_they_hold(job_file: Path) -> None:
    job_file.write_text(json.dumps({**json.loads(job_file.read_text()), "\ud801 漢": 1}))
    done = engine("validate", "--json", str(job_file))
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)
    assert problem["field"] == "\ud801 漢"


def test_a_moving_picture_says_that_its_first_one_is_used(job_file: Path) -> None:
    job = json.loads(job_file.read_text())
    frames = [Image.new("L", (8, 8), level) for level in (0, 99, 255)]
    frames[0].save(job_file.parent / "m.gif", save_all=True, append_images=frames[1:])
    job["regions"][0]["mask"] = "m.gif"
    job_file.write_text(json.dumps(job))
    done = engine("generate", str(job_file), "-o", str(job_file.parent / "o.png"), "--quiet")
    assert done.returncode == 0, done.stderr
    assert "mask: has 3 pictures, of which the first is used" in done.stderr


def test_validate_says_a_right_job_is_right(
    job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(job_file)]) == 0
    assert "128 × 64, 2 regions" in capsys.readouterr().out
    assert main(["validate", "--json", str(job_file)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_validate_and_explain_need_no_torch(job_file: Path, tmp_path: Path) -> None:
    blocker = "import sys; sys.modules['torch'] = None; from engine.cli import main; "
    for command in (["validate", str(job_file)], ["explain", str(job_file), "-o", "e.png"]):
        code = f"{blocker} sys.exit(main({command!r}))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(CHECKOUT)},
            check=False,
        )
        assert done.returncode == 0
    assert Image.open(tmp_path / "e.png").width > 600


def test_explain_shows_each_regions_weight_where_it_lies(tmp_path: Path) -> None:
    path = DATA / "reference" / "canvas_uncovered.json"
    assert main(["explain", str(path), "-o", str(tmp_path / "e.png")]) == 0
    picture = pixels(tmp_path / "e.png").astype(int)
    width = 1280
    middle = picture[16 + 220, 16 + width // 2]
    left = picture[16 + 320, 16 + width // 10]
    assert middle.max() > 150
    assert tuple(left) == (60, 20, 20)


def test_info_tells_versions_and_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", "--device", "cpu"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["engine"] == __version__
    assert facts["device"] == "cpu"
    assert facts["memory"]["free_bytes"] > 0
