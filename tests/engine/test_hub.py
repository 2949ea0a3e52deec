"""Models from a hub on the loopback: fetched, cut, taken up again, refused, used, removed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.contract.adapter_files import encoder_folder, facts_of_adapter
from engine.contract.adapters import ADAPTERS_ID, VIT_H
from engine.contract.catalogue import (
    CATALOGUE,
    cache_folder,
    is_hub_id,
    local_snapshot,
    state_of,
)
from engine.contract.controlnets import facts_of_controlnet, local_controlnet
from engine.contract.families import FAMILIES, Family
from engine.contract.job import BUNDLED_MODEL
from engine.contract.schedulers import SCHEDULERS
from engine.runtime.hub import needed_files
from tests.contract.jobs import right_job
from tests.engine.conftest import TINY_SD
from tests.engine.model_hub import ModelHub
from tests.engine.worker_process import CHECKOUT, wait_until

ID = "owner/name"
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
TOKEN = "hf_" + "NeverWriteThisDown"


class Shop:
    """A hub, a cache, and the engine's command line between them."""

    def __init__(self, hub: ModelHub, folder: Path) -> None:
        self.hub, self.folder, self.cache = hub, folder, folder / "cache"
        self.variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HF_")},
            "HF_ENDPOINT": hub.url,
            "HF_HUB_CACHE": str(self.cache),
            "HF_HOME": str(folder / "home"),
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def engine(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", *words],
            cwd=CHECKOUT,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def refused(self, *words: str) -> str:
        done = self.engine(*words)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    hub = ModelHub.of_folder(TINY_SD)
    hub.files |= {
        "README.md": b"a card",
        "v1-4.ckpt": bytes(10**5),
        "safety_checker/model.safetensors": bytes(10**5),
        "unet/diffusion_pytorch_model.bin": bytes(10**5),
        "unet/diffusion_pytorch_model.fp16.safetensors": bytes(10**5),
    }
    hub.start()
    yield Shop(hub, tmp_path)
    hub.stop()


def test_the_catalogue_has_settings_that_jobs_can_have() -> None:
    assert CATALOGUE[0].id == BUNDLED_MODEL
    assert all(model.scheduler in SCHEDULERS for model in CATALOGUE)
    assert all(model.scheduler in FAMILIES[model.family].schedulers for model in CATALOGUE)
    assert all(model.native_px % FAMILIES[model.family].grid_px == 0 for model in CATALOGUE)
    assert all(is_hub_id(model.id) and model.download_bytes for model in CATALOGUE[1:])


def test_the_cache_is_where_other_tools_have_theirs() -> None:
    assert cache_folder({"HF_HUB_CACHE": "/a"}) == Path("/a")
    assert cache_folder({"HF_HOME": "/b"}) == Path("/b/hub")
    assert cache_folder({}) == Path.home() / ".cache/huggingface/hub"


def test_a_model_is_fetched_with_what_is_needed_alone_used_offline_and_removed(
    shop: Shop, tmp_path: Path
) -> None:
    job = tmp_path / "job.json"
    job.write_text(json.dumps({**right_job(), "model": ID, "num_inference_steps": 1}))
    generate = ("generate", str(job), "--output", str(tmp_path / "o.png"), "--device", "cpu")
    assert f"download {ID}" in shop.refused(*generate)
    assert shop.hub.served == [], "a job fetches nothing by itself"

    done = shop.engine("download", ID, "--json")
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    progress = [line["done_bytes"] for line in told if "done_bytes" in line]
    needed = [path for path in TINY_SD.rglob("*") if path.is_file()]
    assert progress == sorted(progress)
    assert progress[-1] == told[0]["total_bytes"] == sum(path.stat().st_size for path in needed)
    assert sorted(shop.hub.served) == sorted(p.relative_to(TINY_SD).as_posix() for p in needed)
    assert state_of(ID, shop.cache) == "downloaded"

    assert (
        shop.engine(*generate, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:1").returncode == 0
    )
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]

    assert shop.engine("remove", ID).returncode == 0
    assert state_of(ID, shop.cache) == "not downloaded"
    assert "not on this computer" in shop.refused("remove", ID)


def test_what_a_network_in_a_file_lacks_is_fetched_and_no_more(shop: Shop, tmp_path: Path) -> None:
    shop.hub.id = "CompVis/stable-diffusion-v1-4"
    file = tmp_path / "stable-diffusion-v1-4-unet.safetensors"
    file.write_bytes((TINY_SD / WEIGHTS).read_bytes())
    job = tmp_path / "job.json"
    job.write_text(json.dumps({**right_job(), "model": file.name, "num_inference_steps": 1}))
    generate = ("generate", str(job), "--output", str(tmp_path / "o.png"), "--device", "cpu")
    assert f'python -m engine download "{file}"' in shop.refused(*generate)
    assert shop.hub.served == []

    done = shop.engine("download", str(file))
    assert done.returncode == 0, done.stderr
    assert WEIGHTS not in shop.hub.served
    assert "vae/diffusion_pytorch_model.safetensors" in shop.hub.served
    assert state_of(shop.hub.id, shop.cache) == "partly downloaded"
    away = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:1"}
    assert shop.engine(*generate, **away).returncode == 0
    assert "lacks nothing" in shop.refused("download", str(file))
    assert "not on this computer" in shop.refused(*generate, "--model", shop.hub.id)


def test_a_model_of_another_kind_is_refused_before_its_weights_are_fetched(shop: Shop) -> None:
    shop.hub.files["model_index.json"] = b'{"_class_name": "ChromaPipeline"}'
    for knows, served in ((True, []), (False, ["model_index.json"])):
        shop.hub.knows_classes = knows
        said = shop.refused("download", ID)
        assert "ChromaPipeline" in said
        assert "Stable Diffusion XL" in said
        assert shop.hub.served == served


def test_a_model_whose_settings_say_another_kind_is_refused_before_its_weights_are_fetched(
    shop: Shop,
) -> None:
    config = json.loads(shop.hub.files["unet/config.json"])
    shop.hub.files["unet/config.json"] = json.dumps({**config, "in_channels": 9}).encode()
    assert f"{ID} is an inpainting model" in shop.refused("download", ID)
    assert not any(name.endswith(".safetensors") for name in shop.hub.served)
    assert state_of(ID, shop.cache) != "downloaded"


def test_an_sdxl_model_is_fetched_in_half_precision_with_all_its_parts(shop: Shop) -> None:
    index = json.loads(shop.hub.files["model_index.json"])
    index["_class_name"] = "StableDiffusionXLPipeline"
    xl = FAMILIES["sdxl"]
    weights = "diffusion_pytorch_model.safetensors"
    shop.hub.files = {
        "model_index.json": json.dumps(index).encode(),
        **{f"{part}/config.json": f'{{"part": "{part}"}}'.encode() for part in xl.parts},
        **{f"{part}/{weights}": part.encode() * 9 for part in xl.weighted_parts},
        **{f"{part}/{weights.replace('.', '.fp16.')}": part.encode() for part in xl.weighted_parts},
    }
    assert shop.engine("download", ID).returncode == 0
    assert sum(name.endswith(".fp16.safetensors") for name in shop.hub.served) == 4
    assert not any(name.endswith(f"/{weights}") for name in shop.hub.served)
    assert "text_encoder_2/config.json" in shop.hub.served
    assert state_of(ID, shop.cache) == "downloaded"


def _fetched_whole(shop: Shop) -> bool:
    snapshot = local_snapshot(ID, shop.cache)
    return snapshot is not None and (snapshot / WEIGHTS).read_bytes() == shop.hub.files[WEIGHTS]


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(shop: Shop) -> None:
    shop.hub.files[WEIGHTS] = os.urandom(25_000_000)  # kept in parts of 10 MB
    shop.hub.cut_after[WEIGHTS] = 15_000_000
    done = shop.engine("download", ID)
    shop.hub.cut_after.clear()
    if done.returncode:
        assert "download it again" in done.stderr
        assert state_of(ID, shop.cache) == "partly downloaded"
        done = shop.engine("download", ID)
    assert done.returncode == 0, done.stderr
    assert _fetched_whole(shop)
    assert WEIGHTS in shop.hub.ranges


def test_a_download_that_was_ended_is_partly_there_and_goes_on(shop: Shop) -> None:
    # The library writes in pieces of 10 MB: of three, the first must be there for a while.
    shop.hub.files[WEIGHTS] = os.urandom(30_000_000)
    shop.hub.delay_s = 0.008
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "download", ID], cwd=CHECKOUT, env=shop.variables
    )
    wait_until(
        lambda: any(part.stat().st_size > 10**6 for part in shop.cache.rglob("*.incomplete")), 60
    )
    process.kill()
    process.wait(10)
    assert state_of(ID, shop.cache) == "partly downloaded"
    shop.hub.delay_s = 0.0
    assert shop.engine("download", ID).returncode == 0
    assert _fetched_whole(shop)


def test_a_gated_model_names_the_page_and_the_place_for_the_token(shop: Shop) -> None:
    shop.hub.gated = True
    said = shop.refused("download", ID)
    assert f"{shop.hub.url}/{ID}" in said
    assert "HF_TOKEN" in said
    assert TOKEN not in said


def test_a_model_that_is_not_there_is_named(shop: Shop) -> None:
    assert "no owner/else" in shop.refused("download", "owner/else")
    for word in ("download", "remove"):
        for name in ("a/b/c/d", "name", "./a", "owner/name.safetensors"):
            assert "no hub id" in shop.refused(word, name)
        assert "comes with the engine" in shop.refused(word, BUNDLED_MODEL)
    assert shop.hub.served == []


def test_a_model_of_pickles_alone_is_refused_before_anything_is_fetched(shop: Shop) -> None:
    for name in (WEIGHTS, WEIGHTS.replace(".", ".fp16.")):
        del shop.hub.files[name]
    said = shop.refused("download", ID)
    assert "pickle" in said
    assert shop.hub.served == []


def test_a_hub_out_of_reach_is_a_fault_of_the_network(shop: Shop) -> None:
    shop.hub.stop()
    assert "cannot be downloaded" in shop.refused("download", ID)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_cache_on_a_disk_that_is_full_or_cannot_be_written_is_said_and_taken_up(
    shop: Shop,
) -> None:
    shop.cache.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(shop.cache)]
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(shop.cache)], check=True)

    try:
        assert "the disk is full" in shop.refused("download", ID)
        remount("ro")
        assert "cache cannot be written" in shop.refused("download", ID)
        remount("rw,size=64m")
        assert shop.engine("download", ID).returncode == 0
        assert _fetched_whole(shop)
        remount("ro")
        assert "cannot be removed" in shop.refused("remove", ID)
        assert _fetched_whole(shop)
    finally:
        subprocess.run(["umount", "-l", str(shop.cache)], check=True)


def test_the_list_says_what_is_here(shop: Shop) -> None:
    told = json.loads(shop.engine("models", "--json").stdout)
    assert (told[0]["id"], told[0]["state"]) == (BUNDLED_MODEL, "bundled")
    assert {model["state"] for model in told[1:]} == {"not downloaded"}
    assert "OpenRAIL" in shop.engine("models").stdout


def test_a_controlnet_is_fetched_without_what_is_not_loaded(shop: Shop) -> None:
    config = json.dumps({"_class_name": "ControlNetModel", "cross_attention_dim": 768}).encode()
    half = "diffusion_pytorch_model.fp16.safetensors"
    whole = half.replace(".fp16", "")
    shop.hub.files = {
        "config.json": config,
        half: weights_of(2),
        whole: weights_of(4),
        whole.replace("model", "model_promax"): bytes(9),
        whole.replace("safetensors", "bin"): bytes(9),
        "README.md": b"a card",
    }
    done = shop.engine("download", ID)
    assert done.returncode == 0, done.stderr
    found = local_controlnet(ID, shop.cache)
    assert found is not None
    assert {path.name for path in found.iterdir()} == {"config.json", half}
    assert facts_of_controlnet(str(found), shop.folder).family == "sd"
    assert shop.engine("remove", ID).returncode == 0
    assert local_controlnet(ID, shop.cache) is None


def test_a_controlnet_as_a_pickle_and_one_of_another_class_are_refused(shop: Shop) -> None:
    config = {"_class_name": "ControlNetModel"}
    shop.hub.files = {"diffusion_pytorch_model.bin": bytes(9)}
    shop.hub.files["config.json"] = json.dumps(config).encode()
    assert "pickle" in shop.refused("download", ID)
    shop.hub.files["config.json"] = json.dumps(
        {"_class_name": "HunyuanDiT2DControlNetModel"}
    ).encode()
    assert "HunyuanDiT2DControlNetModel, which is not run here" in shop.refused("download", ID)


def test_an_ip_adapter_is_fetched_with_the_encoder_that_sees_for_it(shop: Shop) -> None:
    shop.hub.id = ADAPTERS_ID
    (config,) = (name for name in VIT_H.files if name.endswith(".json"))
    shop.hub.files = {
        "models/one.safetensors": tensors(
            {"image_proj.proj.weight": [8, 1024], "ip_adapter.1.to_k_ip.weight": [1, 2]}
        ),
        "models/face.safetensors": tensors(
            {"image_proj.norm.weight": [2], "ip_adapter.1.to_k_ip.weight": [1, 2]}
        ),
        "models/other.safetensors": weights_of(4),
        "models/one.bin": bytes(9),
        **dict.fromkeys(VIT_H.files, weights_of(2)),
        config: json.dumps({"projection_dim": 1024}).encode(),
    }
    name = f"{ADAPTERS_ID}/models/one.safetensors"
    done = shop.engine("download", name, "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads([line for line in done.stdout.splitlines() if "done_bytes" in line][-1])
    assert last["done_bytes"] == last["total_bytes"]
    (snapshot,) = shop.cache.glob("models--*/snapshots/*")
    here = {p.relative_to(snapshot).as_posix() for p in snapshot.rglob("*") if p.is_file()}
    assert here == {"models/one.safetensors", *VIT_H.files}
    path = snapshot / "models/one.safetensors"
    facts = facts_of_adapter(str(path), shop.folder)
    assert encoder_folder(path, facts) == path.parent / "image_encoder"
    face = f"{ADAPTERS_ID}/models/face.safetensors"
    assert "is a FaceID adapter" in shop.refused("download", face)
    assert "is no LoRA, and no IP-Adapter" in shop.refused(
        "download", f"{ADAPTERS_ID}/models/other.safetensors"
    )


def weights_of(size: int) -> bytes:
    """Return a safetensors file with one tensor of so many numbers."""
    return tensors({"a": [size]})


def tensors(shapes: dict[str, list[int]]) -> bytes:
    """Return a safetensors file of tensors of bytes, all of them 0."""
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(end)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_of_a_family_nothing_is_fetched_but_its_parts_with_their_templates_of_chats(
    family: Family,
) -> None:
    needed = ["model_index.json", "scheduler/scheduler_config.json"]
    for part in family.parts:
        needed += [f"{part}/{name}" for name in ("config.json", "chat_template.jinja")]
    needed += [f"{part}/model.safetensors" for part in family.weighted_parts]
    others = ["README.md", "all.safetensors", "safety_checker/model.safetensors", "assets/a.png"]
    others += [f"{family.network}/diffusion_pytorch_model.bin"]
    assert set(needed_files([*needed, *others], "owner/name", family)) == set(needed)
