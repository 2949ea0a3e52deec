"""The farm's template run by its own tool, each task in a real Blender."""

from __future__ import annotations

import importlib.util
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from engine.contract.png import read_job
from tests.blender.hosts import CHECKOUT, SCRIPTS, Host

TEMPLATE = CHECKOUT / "examples/farms/mixdiff.openjd.yaml"

# What the farm's machines have as `blender`: this host with the extension. While `broken` is there,
# the task of seed 2 is killed in its first picture, as by a machine that is switched off.
BLENDER = """#!{python}
import os, signal, sys, tempfile, time
from pathlib import Path
sys.path.insert(0, {checkout!r})
from tests.blender.hosts import find_host
from building.environments import environments_folder
host = find_host({host!r}, environments=environments_folder(), engine_python=Path({python!r}),
                 work=Path(tempfile.mkdtemp(dir={work!r})))
words = sys.argv[2:]
blend = None if words[0] == "-c" else Path(words.pop(0))
run = host.start_cli(*words, blend=blend, user_resources=Path({resources!r}))
doomed = Path({broken!r}).exists() and "--seed" in words and words[words.index("--seed") + 1] == "2"
while doomed and run.process.poll() is None and "Frame 1" not in run.printed()[1]:
    time.sleep(0.1)
if doomed:
    os.killpg(run.process.pid, signal.SIGKILL)
done = run.wait(250)
print(done.output)
sys.exit(done.returncode and 1)
"""


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.executable
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    importlib.util.find_spec("openjd") is None, reason="needs `pip install openjd-cli`"
)
def test_the_template_makes_frames_and_seeds_a_killed_task_again_and_a_sheet(
    find_host: Callable[[str], Host], extension_zip: Path, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend, out, broken = tmp_path / "street.blend", tmp_path / "out", tmp_path / "broken"
    host.run_python(SCRIPTS / "save_street.py", blend, extension_zip=extension_zip).check()
    out.mkdir()
    blender = tmp_path / "blender"
    facts = {"python": sys.executable, "checkout": str(CHECKOUT), "host": host.name}
    folders = {"resources": host.user_resources(extension_zip), "broken": broken, "work": tmp_path}
    blender.write_text(BLENDER.format(**facts, **{name: str(v) for name, v in folders.items()}))
    blender.chmod(blender.stat().st_mode | stat.S_IXUSR)
    values = {"BlendFile": blend, "OutputFolder": out, "Blender": blender}
    texts = {**values, "Frames": "1-2", "Seeds": "1-2", "FramesPerTask": 2, "Name": "shot"}
    parameters = [word for key, value in texts.items() for word in ("-p", f"{key}={value}")]
    options = ["--step", "ContactSheet", "--run-dependencies", "--extensions", "TASK_CHUNKING"]

    def openjd() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("openjd"), "run", TEMPLATE, *options, *parameters],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    broken.touch()
    failed = openjd()
    assert failed.returncode != 0, failed.stdout
    first = {path: path.read_bytes() for path in out.glob("*.png")}
    assert {"shot-1-0001.png", "shot-1-0002.png"} <= {path.name for path in first}, failed.stdout
    assert len(first) < 4, failed.stdout
    assert not (out / "contact-sheet.png").exists()
    broken.unlink()
    done = openjd()
    assert done.returncode == 0, done.stdout
    names = [f"shot-{seed}-{frame:04d}.png" for seed in (1, 2) for frame in (1, 2)]
    assert sorted(path.name for path in out.glob("shot*.png")) == names
    assert [read_job(out / name)["seed"] for name in names] == [1, 1, 2, 2]
    assert all(path.read_bytes() == data for path, data in first.items())  # the same bytes again
    assert Image.open(out / "contact-sheet.png").size == (2 * 264 + 8, 2 * (128 + 24) + 8)
