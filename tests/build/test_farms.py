"""The farms' files: the template run by its own tool, the job type in a small harness."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region

CHECKOUT = Path(__file__).parents[2]
FARMS = CHECKOUT / "examples" / "farms"

BLENDER = """#!{python}
# A stand-in for Blender: writes what it was asked into the files that it would make.
import pathlib, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    print(" ".join(words), file=log)
if "generate" in words:
    first, _, last = words[words.index("--frame") + 1].partition("-")
    output = words[words.index("--output") + 1]
    if pathlib.Path({broken!r}).exists() and first == "3":
        sys.exit("no memory")
    for frame in range(int(first), int(last or first) + 1):
        pathlib.Path(output.replace("####", f"{{frame:04d}}")).write_text(" ".join(words))
if "sheet" in words:
    folder = pathlib.Path(words[words.index("sheet") + 1])
    names = sorted(path.name for path in folder.glob("*.png") if path.name != "contact-sheet.png")
    pathlib.Path(words[words.index("--output") + 1]).write_text("\\n".join(names))
"""

HARNESS = """
const path = {
    join: (...parts) => parts.join("/"),
    stem: (file) => file.split("/").pop().replace(/[.][^.]*$/, ""),
};
const author = {
    Task: (name, type) => ({
        name, type, commands: [], dependencies: [],
        addCommand(command) { this.commands.push(command); },
        addDependency(task) { this.dependencies.push(task.name); },
    }),
    Command: (name, parameters) => ({ name, parameters }),
};
function frameChunker(text, size) {
    const frames = text.split(",").flatMap((part) => {
        const [first, last] = part.trim().split("-").map(Number);
        return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
    });
    const chunks = [];
    for (let i = 0; i < frames.length; i += size) {
        const runs = [];
        for (const frame of frames.slice(i, i + size)) {
            const run = runs.at(-1);
            if (run && run[1] === frame - 1) run[1] = frame; else runs.push([frame, frame]);
        }
        chunks.push(runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(","));
    }
    return chunks;
}
const job = { tasks: [], addTask(task) { this.tasks.push(task); } };
const settings = { frames: "1-5, 9", seeds: "7-8", chunk_size: 4,
                   output_folder: "/out", blendfile: "/shots/street.blend" };
"""


@pytest.mark.cluster
@pytest.mark.skipif(
    importlib.util.find_spec("openjd") is None,
    reason="needs `pip install openjd-cli`",
)
def test_the_template_makes_frames_and_seeds_and_a_sheet_and_a_failed_task_again(
    tmp_path: Path,
) -> None:
    log, broken, out = tmp_path / "log", tmp_path / "broken", tmp_path / "out"
    out.mkdir()
    blender = tmp_path / "blender"
    blender.write_text(BLENDER.format(python=sys.executable, log=str(log), broken=str(broken)))
    blender.chmod(blender.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "a.blend").touch()
    values = {"BlendFile": tmp_path / "a.blend", "OutputFolder": out, "Blender": blender}
    texts = {**values, "Frames": "1-4", "Seeds": "1-2", "FramesPerTask": 2, "Name": "shot"}
    parameters = [word for key, value in texts.items() for word in ("-p", f"{key}={value}")]

    tool = Path(sys.executable).with_name("openjd")
    options = ["--step", "ContactSheet", "--run-dependencies", "--extensions", "TASK_CHUNKING"]

    def openjd() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tool, "run", FARMS / "mixdiff.openjd.yaml", *options, *parameters],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    broken.touch()
    failed = openjd()
    assert failed.returncode != 0
    assert not (out / "contact-sheet.png").exists()
    broken.unlink()
    done = openjd()
    assert done.returncode == 0, done.stdout
    names = [f"shot-{seed}-{frame:04d}.png" for seed in (1, 2) for frame in (1, 2, 3, 4)]
    assert (out / "contact-sheet.png").read_text().split() == names
    asked = log.read_text()
    assert "--frame 1-2 --seed 2" in asked
    assert "setup --check" in asked


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, to run the job type")
def test_the_job_type_makes_frames_and_seeds_and_a_sheet_after_all_of_them() -> None:
    source = (FARMS / "mixdiff.flamenco.js").read_text()
    ends = "compileJob({ ...job, settings, addTask: (task) => job.tasks.push(task) });"
    show = "console.log(JSON.stringify({ settings: JOB_TYPE.settings, tasks: job.tasks }));"
    done = subprocess.run(
        ["node", "-e", "\n".join((HARNESS, source, ends, show))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    compiled = json.loads(done.stdout)
    assert {one["type"] for one in compiled["settings"]} <= {"string", "int32"}
    *pictures, sheet = compiled["tasks"]
    assert [task["name"] for task in pictures] == [
        "seed-7-frames-1-4",
        "seed-7-frames-5,9",
        "seed-8-frames-1-4",
        "seed-8-frames-5,9",
    ]
    assert sheet["dependencies"] == [task["name"] for task in pictures]
    words = [" ".join(command["parameters"]["args"]) for command in pictures[1]["commands"]]
    assert words == [
        f"-b /shots/street.blend -c mixdiff generate --frame {frame} --seed 7 "
        "--output /out/street-7-####.png"
        for frame in ("5", "9")
    ]
    assert sheet["commands"][0]["parameters"]["exe"] == "{blender}"


@pytest.mark.slow
def test_a_slurm_array_makes_every_picture_once(tmp_path: Path) -> None:
    job = canvas(64, 64, text_region(0, 64, 0, 64, "a tower"), model=str(TINY_SD))
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for number in range(3):
        (jobs / f"{number}.json").write_text(json.dumps({**job, "seed": number}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for task in (1, 2):
        slurm = {"ID": task, "MIN": 1, "COUNT": 2}
        environment = {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in slurm.items()}
        done = subprocess.run(
            ["bash", FARMS / "mixdiff.slurm.sh", jobs, tmp_path / "out"],
            cwd=CHECKOUT,
            env={**os.environ, **environment, "PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["all"]["made"] == 3 - task
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
