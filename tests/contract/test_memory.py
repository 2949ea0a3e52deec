"""The plan of memory: each way in its order, what it takes and costs, and what never starts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.contract.catalogue import CATALOGUE, KnownModel, Listed, known_model
from engine.contract.checks import check
from engine.contract.errors import EngineError
from engine.contract.families import FAMILIES
from engine.contract.fitting import fit_of, fitting_first, memory_plan, plan_of_known
from engine.contract.footprints import KLEIN_4B, SDXL, Z_IMAGE, Footprint
from engine.contract.memory import GIB, Machine, MemoryPlan, Work, plan_memory, plans
from engine.contract.model_files import footprint_of
from tests.contract.machines import machine
from tests.contract.model_files import SD, copy_model, write_weights

CARDS = (6, 8, 12, 16, 24)
MODELS = [known for known in CATALOGUE if known.footprint]
Z, KLEIN = FAMILIES["z_image"], FAMILIES["flux2_klein"]
MEGAPIXEL = Work.of_square(1024)


def z_image(card: float, host: float = 64, **more: Any) -> MemoryPlan:
    plan = plan_memory(Z_IMAGE, Z, MEGAPIXEL, replace(machine(card, host), **more))
    assert plan is not None
    return plan


def places(plan: MemoryPlan) -> tuple[str, str, bool]:
    return plan.network, plan.encoders, plan.is_small


@pytest.mark.parametrize(
    ("card", "host", "expected"),
    [
        (24, 64, ("stays", "stays", False)),
        (23, 64, ("stays", "comes", False)),
        (16, 64, ("comes", "comes", False)),
        (12, 64, ("visits", "comes", False)),
        (8, 64, ("visits", "visits", False)),
        (12, 18, ("comes", "comes", True)),  # no room for what visits beside the system
        (8, 16, ("visits", "visits", True)),
    ],
)
def test_the_first_way_that_fits_is_taken(
    card: int, host: int, expected: tuple[str, str, bool]
) -> None:
    assert places(z_image(card, host)) == expected


def test_an_encoder_larger_than_a_card_visits_beside_a_network_that_stays() -> None:
    large = replace(KLEIN_4B.encoders[0], numbers=24_000_000_000)
    footprint = replace(KLEIN_4B, encoders=(large,))
    plan = plan_memory(footprint, KLEIN, MEGAPIXEL, machine(16, 64))
    assert plan is not None
    assert places(plan) == ("stays", "visits", False)


def test_what_is_needed_falls_from_way_to_way() -> None:
    ways = [plan for plan in plans(Z_IMAGE, Z, MEGAPIXEL, machine(80, 128)) if not plan.is_small]
    by_place = {places(plan)[:2]: plan.needed_bytes for plan in ways}
    order = [("stays", "stays"), ("stays", "comes"), ("comes", "comes"), ("visits", "comes")]
    for before, after in pairwise([*order, ("visits", "visits")]):
        assert by_place[after] < by_place[before]


@pytest.mark.parametrize("known", MODELS, ids=lambda known: known.id)
@pytest.mark.parametrize("host", [16, 32, 64])
def test_no_plan_takes_more_than_there_is_and_a_larger_card_never_does_worse(
    known: KnownModel, host: int
) -> None:
    ranks = []
    for card in CARDS:
        here = machine(card, host)
        plan = plan_of_known(known, here)
        if plan is not None:
            assert plan.needed_bytes < here.free_bytes
            assert plan.host_bytes < here.host_free_bytes
            assert plan.costs or places(plan) == ("stays", "stays", False)
        ranks.append(["fits", "slower", "too large"].index(plan.fit if plan else "too large"))
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("known", MODELS, ids=lambda known: known.id)
def test_on_a_large_card_everything_stays_and_costs_nothing(known: KnownModel) -> None:
    plan = plan_of_known(known, machine(192, 256))
    assert plan is not None
    assert places(plan) == ("stays", "stays", False)
    assert plan.costs == ()


def test_a_larger_window_or_canvas_takes_more_and_a_smaller_one_is_within() -> None:
    small, large = Work.of_square(512), Work.of_square(1024)
    ways = [plan_memory(SDXL, FAMILIES["sdxl"], work, machine(24)) for work in (small, large)]
    first, second = (plan.needed_bytes for plan in ways if plan)
    assert first < second
    assert small.is_within(large)
    assert not large.is_within(small)


def test_the_work_of_a_job_is_its_largest_window_and_its_canvas() -> None:
    region = {"type": "text2image", "prompt": "a", "row_init": 0, "col_init": 0}
    bounds = {"row_end": 1024, "col_end": 2048}
    size = {"canvas_height": 1024, "canvas_width": 2048, "max_region_px": 512}
    job = check({**size, "regions": [{**region, **bounds}]}, folder=None).job_or_raise()
    assert Work.of_job(job) == Work(tokens=32 * 32, canvas_px=1024 * 2048)


def test_the_line_tells_the_numbers_and_each_steps_cost() -> None:
    assert z_image(24).text == "22.3 of 23.0 GB free"
    line = z_image(8, 16).text
    assert line.startswith("3.3 of 7.0 GB free; text encoder on the CPU, layer by layer (1 s")
    assert "network on the CPU, layer by layer (up to 1." in line
    assert "8 bits" in line
    assert "2 s for new ones" in z_image(23).text or "1 s for new ones" in z_image(23).text


def test_a_card_without_bfloat16_takes_twice_as_much_where_float16_will_not_do() -> None:
    old = replace(machine(24, 64), dtype="float16")
    z_plan, klein_plan = (
        plan_memory(footprint, family, MEGAPIXEL, old)
        for footprint, family in ((Z_IMAGE, Z), (KLEIN_4B, KLEIN))
    )
    assert z_plan is not None
    assert klein_plan is not None
    assert z_plan.network == "visits"
    assert klein_plan.network == "stays"


def test_eight_bits_can_be_asked_for_but_not_of_an_apple_gpu() -> None:
    plan = plan_memory(Z_IMAGE, Z, MEGAPIXEL, machine(24, 64), is_small=True)
    assert plan is not None
    assert places(plan) == ("stays", "stays", True)
    apple = machine(host_gib=64, kind="mps")
    assert list(plans(Z_IMAGE, Z, MEGAPIXEL, apple, is_small=True)) == []


def test_a_processor_has_one_memory_and_nothing_visits_it() -> None:
    ways = list(plans(Z_IMAGE, Z, MEGAPIXEL, machine(host_gib=64, kind="cpu")))
    assert "visits" not in {way for plan in ways for way in places(plan)}
    assert all(plan.host_bytes == 0 for plan in ways)
    less = plan_memory(Z_IMAGE, Z, MEGAPIXEL, machine(host_gib=28, kind="cpu"))
    assert less is not None
    assert places(less) == ("comes", "comes", False)
    assert "from the disk in turns" in less.text
    turbo = replace(Z_IMAGE, network=replace(Z_IMAGE.network, stored="F32"))
    copies = plan_memory(turbo, Z, MEGAPIXEL, machine(host_gib=28, kind="cpu"))
    assert copies is not None
    assert copies.is_small, "what is no page of a file does not leave"


def test_files_in_another_precision_are_copies_that_need_memory_to_load() -> None:
    turbo = known_model("Tongyi-MAI/Z-Image-Turbo")
    assert turbo is not None
    assert plan_of_known(turbo, machine(24, 16)) is None
    plain = known_model("Tongyi-MAI/Z-Image")
    assert plain is not None
    assert plan_of_known(plain, machine(24, 16)) is not None


# What never starts.


def test_a_model_that_fits_in_no_way_says_what_would(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"needs [\d.]+ GB at the least") as caught:
        memory_plan("Qwen/Qwen-Image", tmp_path, Work.of_square(1328), machine(8, 16))
    assert caught.value.kind == "memory"
    assert "choose a model that fits: " in caught.value.advice
    named = caught.value.advice.partition("that fits: ")[2]
    first = next(m for m in CATALOGUE if named.startswith(m.title))
    assert fit_of(first, machine(8, 16)) == "fits"


def test_a_picture_too_large_for_its_model_says_which_size_would_do(tmp_path: Path) -> None:
    vast = Work(tokens=(8192 // 16) ** 2, canvas_px=8192**2)
    with pytest.raises(EngineError, match="needs") as caught:
        memory_plan("Tongyi-MAI/Z-Image", tmp_path, vast, machine(12, 64))
    assert "regions of 1024 × 1024 px or less" in caught.value.advice


def test_decoding_that_needs_more_than_the_rest_can_be_done_on_the_processor(
    tmp_path: Path,
) -> None:
    work, card = Work.of_square(1024), machine(8, 64)
    with pytest.raises(EngineError) as caught:
        memory_plan("krea/Krea-2-Raw", tmp_path, work, card)
    assert "VAE on CPU" in caught.value.advice
    there = replace(work, cpu_vae=True)
    assert memory_plan("krea/Krea-2-Raw", tmp_path, there, card) is not None
    assert there.is_within(work)
    assert not work.is_within(there)


def test_a_machine_without_room_for_anything_names_no_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        memory_plan("Qwen/Qwen-Image", tmp_path, MEGAPIXEL, machine(1.2, 9))
    assert "that fits" not in caught.value.advice
    assert "close what else" in caught.value.advice


# Figures that are missing or wrong.


def test_a_model_of_which_nothing_is_known_has_no_plan(tmp_path: Path) -> None:
    assert memory_plan("owner/unknown", tmp_path, MEGAPIXEL, machine()) is None
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    for name in ("empty", "bad.safetensors", "nowhere"):
        assert footprint_of(name, tmp_path) is None


def test_a_folder_whose_weights_are_damaged_has_no_plan(tmp_path: Path) -> None:
    folder = copy_model(tmp_path / "model")
    assert footprint_of(str(folder)) is not None
    next((folder / "unet").glob("*.safetensors")).write_bytes(b"x")
    assert footprint_of(str(folder)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {**machine().to_document(), "free_bytes": -1},
        {**machine().to_document(), "free_bytes": True},
        {**machine().to_document(), "total_bytes": "8"},
        {**machine().to_document(), "kind": 3},
    ],
)
def test_what_is_no_machine_is_none(wrong: object) -> None:
    assert Machine.from_document(wrong) is None


def test_a_machine_is_told_from_one_program_to_the_other() -> None:
    assert Machine.from_document({**machine().to_document(), "more": 1}) == machine()


def test_parts_are_counted_from_files_of_any_kind(tmp_path: Path) -> None:
    folder = footprint_of(str(copy_model(tmp_path / "model")))
    file = footprint_of(str(write_weights(tmp_path / "sd.safetensors", SD)))
    bundled = footprint_of(None)
    for found in (folder, file, bundled):
        assert isinstance(found, Footprint)
        assert found.network.numbers > 0
        assert found.encoders
        assert found.autoencoder.numbers > 0
    assert file is not None
    assert file.network.stored == "F16"
    assert file.network.numbers == 8 * 4 * 9 + 4 * 8 * 9
    assert file.network.largest == 8 * 4 * 9


# The list of models.


def test_what_fits_a_machine_comes_first_and_says_so() -> None:
    listed = [Listed(id=m.id, state="not downloaded", known=m) for m in CATALOGUE]
    listed.append(Listed(id="owner/mine", state="downloaded", known=None))
    found = fitting_first(listed, machine(8, 32))
    fits = [one.fit for one in found]
    order = ["fits", None, "slower", "too large"]
    assert [order.index(fit) for fit in fits] == sorted(order.index(fit) for fit in fits)
    assert set(fits) == set(order)
    assert {one.id for one in found} == {one.id for one in listed}
    unknown = fitting_first(listed, None)
    assert [one.id for one in unknown] == [one.id for one in listed]
    assert {one.fit for one in unknown} == {None}


@pytest.mark.parametrize("known", MODELS, ids=lambda known: known.id)
def test_a_model_of_the_list_says_all_that_one_chooses_by(known: KnownModel) -> None:
    assert known.licence
    assert known.family in FAMILIES
    assert known.download_bytes > 10**9
    assert known.native_px % FAMILIES[known.family].grid_px == 0
    assert ("not for commercial use" in known.licence_text) is not known.is_commercial
    assert ("consent" in known.licence_text) is known.is_gated
    kin = known_model(known.few_steps) if known.few_steps else None
    if known.few_steps:
        assert kin is not None
        assert kin.num_inference_steps < known.num_inference_steps / 2
        assert kin.few_steps is None


def test_the_bundled_model_fits_wherever_the_engine_runs() -> None:
    plan = memory_plan(None, None, Work.of_square(512), machine(4, 10))
    assert plan is not None
    assert places(plan) == ("stays", "stays", False)
    assert plan.needed_bytes < 3 * GIB
