"""`batch --ray` on a real cluster of this machine: three nodes, killed in the middle."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.engine.batch.test_batch import OPTIONS, TOWER, lines, one_thread
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas
from tests.engine.test_cli import CHECKOUT, engine

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="needs `pip install -r engine/requirements-ray.txt`",
    ),
]
BATCH = ("--cpus-each", "1", *OPTIONS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    # Whoever runs the tests may have a token, which this cluster knows nothing of.
    disabled = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    os.environ.update(disabled, PYTHONPATH=str(CHECKOUT))
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "num_gpus": 0, "include_dashboard": False},
    )
    made.add_node(num_cpus=1, num_gpus=0)
    yield made
    made.shutdown()


def jobs_with_a_picture(folder: Path) -> Path:
    folder.mkdir()
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(photo).save(folder / "photo.webp")
    image = {**TOWER, "type": "image2image", "reference_image": "photo.webp", "strength": 0.3}
    image.pop("prompt")
    document = canvas(64, 64, TOWER, image, model=str(TINY_SD), num_inference_steps=10)
    (folder / "a.json").write_text(json.dumps(document))
    return folder


def actors() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if "ray::ClusterEngine" in " ".join(process.info["cmdline"] or ()):
            found.append(process)
    return found


@pytest.mark.timeout(600)
def test_an_engine_and_a_node_are_killed_and_every_picture_is_there_once_with_the_same_bytes(
    cluster: Any, tmp_path: Path
) -> None:
    jobs = jobs_with_a_picture(tmp_path / "jobs")
    far, near = tmp_path / "far" / "out", tmp_path / "near" / "out"
    command = ("batch", jobs, "--seeds", "1-12", *BATCH)
    on_cluster = (*command, "-o", far, "--ray", cluster.address)
    doomed = cluster.add_node(num_cpus=1, num_gpus=0)
    begun = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "engine",
            *map(str, (*command, "-o", far)),
            "--ray",
            cluster.address,
        ],
        cwd=CHECKOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    told: list[dict[str, Any]] = []
    assert begun.stdout is not None
    for line in begun.stdout:
        told.append(json.loads(line))
        made = sum("made" in one for one in told)
        if "made" in told[-1] and made == 1:
            actors()[0].send_signal(signal.SIGKILL)
        if "made" in told[-1] and made == 3:
            threading.Thread(target=cluster.remove_node, args=(doomed,)).start()
    code = begun.wait()
    if code == -signal.SIGSEGV:  # of Ray's own, at times, where its node is taken away
        rest = one_thread(*on_cluster)
        code = rest.returncode
        told += lines(rest.stdout)
    assert code == 0, [one for one in told if "progress" not in one]
    made_names = Counter(one["made"] for one in told if "made" in one)
    assert len(made_names) == 12
    assert set(made_names.values()) == {1}
    assert any("lost" in one for one in told)
    done = one_thread(*command, "-o", near)
    assert done.returncode == 0, done.stderr
    for seed in range(1, 13):
        assert (far / f"a-{seed}.png").read_bytes() == (near / f"a-{seed}.png").read_bytes()
    again = one_thread(*on_cluster)
    assert lines(again.stdout)[-1]["all"] == {"pictures": 12, "made": 0, "failed": 0}


def test_an_address_where_nothing_answers_is_said_soon(tmp_path: Path) -> None:
    jobs = jobs_with_a_picture(tmp_path / "jobs")
    began = time.monotonic()
    done = engine("batch", jobs, "-o", tmp_path / "o", "--ray", "127.0.0.1:9", *BATCH)
    assert done.returncode == 1
    assert "nothing answers at 127.0.0.1:9" in done.stderr
    assert time.monotonic() - began < 100


def test_a_client_hands_jobs_on_to_the_cluster_and_cancels_one_while_it_is_made(
    cluster: Any, tmp_path: Path
) -> None:
    words = ["serve", "--ray", cluster.address, "--cpus-each", "1"]
    serving = subprocess.Popen(
        [sys.executable, "-m", "engine", *words],
        cwd=CHECKOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    reads, writes = serving.stdout, serving.stdin
    assert reads is not None
    assert writes is not None

    def ask(id_: int, method: str, **params: Any) -> None:
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
        print(json.dumps(body), file=writes, flush=True)

    def until(what: str, id_: int) -> dict[str, Any]:
        for line in reads:
            told: dict[str, Any] = json.loads(line)
            if id_ in (told.get("id"), told.get("params", {}).get("id")) and (
                what in told or told.get("method") == what
            ):
                return told
            assert "error" not in told, told
        raise AssertionError(f"no {what} of {id_}")

    ask(1, "initialize", protocol=1)
    assert until("result", 1)["result"]["places"] == 2
    document = canvas(64, 64, TOWER, model=str(TINY_SD), num_inference_steps=900)
    ask(2, "generate", job=document, output=str(tmp_path / "long.png"))
    until("progress", 2)
    engines = {process.pid for process in actors()}
    ask(3, "cancel", id=2)
    assert until("error", 2)["error"]["data"]["kind"] == "cancelled"
    ask(4, "generate", job={**document, "num_inference_steps": 2}, output=str(tmp_path / "a.png"))
    done = until("result", 4)["result"]
    assert Path(done["output"]).is_file()
    assert done["timings_s"]["sampling"] > 0
    assert engines <= {process.pid for process in actors()}  # it kept its engine
    ask(5, "shutdown")
    assert serving.wait(20) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    end = time.monotonic() + 20
    while actors():
        assert time.monotonic() < end
        time.sleep(0.2)
