"""The benchmark of the speed measures what it says; its figures themselves are not tested."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.performance import gpu, ways
from benchmarks.performance.__main__ import main
from benchmarks.performance.calls import operations, recorded
from benchmarks.performance.clocks import HostClock, in_turn
from benchmarks.performance.contest import BARE, ENGINE, Outcome, compete, row_job
from benchmarks.performance.growth import Point, exponent
from benchmarks.performance.peaks import peak_of
from benchmarks.performance.phases import model_seconds
from benchmarks.performance.record import Aim, Figure, Record, append, machine, markdown
from benchmarks.performance.shapes import SD15, TINY, copy_of, parameters_of, pipeline_of
from benchmarks.tiny_pipelines import TINY_PIPELINES
from engine.families.loading import model_of
from engine.runtime.devices import choose_device

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return pipeline_of(TINY, device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def outcome(pipeline: Any) -> Outcome:
    plain = {"plain": copy_of(pipeline, dtype=torch.float32)}
    model = model_of(pipeline, choose_device("cpu", "float32"))
    return compete(row_job(3, 64, 16, steps=2), model, pipeline.unet, plain, by_step=True)


def test_the_plain_loop_and_the_engine_make_the_same_picture(outcome: Outcome) -> None:
    assert outcome.distance < 1e-4


def test_all_contestants_are_timed_on_every_step(outcome: Outcome) -> None:
    assert outcome.step_s.keys() == {ENGINE, BARE, "plain"}
    assert all(seconds > 0 for seconds in outcome.step_s.values())
    assert sum(outcome.calls) == 6, "three regions, with and without their prompts"


def test_the_real_shape_has_the_parameters_of_stable_diffusion() -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**SD15.unet), AutoencoderKL(**SD15.vae)
    assert parameters_of(unet) == 859_520_964
    assert parameters_of(vae) == 83_653_863


def test_operations_are_counted_by_what_a_call_sees(pipeline: Any) -> None:
    def calls(batch: int) -> Any:
        seen, texts = torch.zeros(batch, 4, 8, 8), torch.zeros(batch, 5, 32)
        with torch.no_grad():
            return recorded(pipeline.unet, lambda: pipeline.unet(seen, 1, texts))

    one, two = (operations(pipeline.unet, calls(batch)) for batch in (1, 2))
    assert one > 1e6
    assert two == pytest.approx(2 * one, rel=0.01)


def test_contestants_take_turns_after_every_piece() -> None:
    done: list[str] = []

    def contestant(name: str, pieces: int) -> Iterator[str]:
        for _ in range(pieces):
            done.append(name)
            yield "piece"

    laps = in_turn({"a": lambda: contestant("a", 3), "b": lambda: contestant("b", 1)}, HostClock())
    assert done == ["a", "b", "a", "a"]
    assert {name: len(own["piece"]) for name, own in laps.items()} == {"a": 3, "b": 1}


def test_an_exponent_tells_linear_from_flat() -> None:
    points = [Point(size=n, seconds=0.3 * n, peak_bytes=10**6) for n in (1, 4, 16)]
    assert exponent(points, "seconds") == pytest.approx(1)
    assert exponent(points, "peak_bytes") == pytest.approx(0)


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is known on Linux alone")
def test_a_peak_is_seen_after_it_is_gone() -> None:
    def work() -> None:
        torch.ones(2**24)  # 64 MiB, given back at once

    assert 60 * 2**20 < peak_of(work, CPU) < 80 * 2**20
    assert peak_of(lambda: None, CPU) < 4 * 2**20


def test_the_seconds_inside_a_model_are_told_apart_from_the_rest(pipeline: Any) -> None:
    with model_seconds() as inside, torch.no_grad():
        began = time.perf_counter()
        pipeline.unet(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 5, 32))
        pipeline.vae.decode(torch.zeros(1, 4, 8, 8))
        whole = time.perf_counter() - began
        time.sleep(0.05)
    assert inside.keys() == {"denoiser", "autoencoder"}
    assert 0.5 * whole < sum(inside.values()) <= whole


def test_an_aim_that_is_missed_is_said_so() -> None:
    slow = Figure(group="g", name="n", value=3, unit="x", aim=Aim(value=4))
    quick = Figure(group="g", name="n", value=0.1, unit="s", aim=Aim(value=0.2, at_least=False))
    assert slow.aim_shown == "at least 4.00 ×: not met"
    assert quick.aim_shown == "at most 0.20 s: met"


def test_each_part_is_told_by_the_newest_run_that_measured_it(tmp_path: Path) -> None:
    history: list[dict[str, Any]] = []
    for part, seconds in (("rates", 1), ("cpu", 2), ("rates", 3)):
        record = Record()
        record.begin(part)
        record.put("group", "time", seconds, "s", Aim(value=2, at_least=False))
        history = append(record.to_document(machine(), quick=False), tmp_path)
    rows = [line for line in markdown(history, ("rates", "cpu")).splitlines() if "time" in line]
    assert rows == [
        "| time | 3.00 s | at most 2.00 s: not met |",
        "| time | 2.00 s | at most 2.00 s: met |",
    ]


@pytest.mark.slow
def test_the_demos_picture_is_compared_both_ways_and_shown(tmp_path: Path) -> None:
    record = main(["--only", "fidelity", "--quick", "--to", str(tmp_path)])
    tiled = next(f for f in record.figures["fidelity"] if "in tiles" in f.group and f.unit == "dB")
    assert tiled.value >= 45
    assert (tmp_path / "fidelity.jpg").is_file()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a GPU")
def test_the_command_says_what_it_leaves_out_and_keeps_a_history(tmp_path: Path) -> None:
    for _ in range(2):
        record = main(["--only", "gpu", "--quick", "--to", str(tmp_path)])
    assert record.remarks == ["left out: torch sees no GPU of CUDA here"]
    first, second = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert first["machine"] == {**second["machine"], "load_before": first["machine"]["load_before"]}


def test_the_part_for_a_gpu_measures_all_that_it_should(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu, "matrix_rate", lambda *_: 1e11)
    record = Record()
    gpu.measure_on(
        record,
        TINY,
        CPU,
        side_px=32,
        overlap_px=16,
        steps=1,
        rounds=1,
        sides=(1, 2),
        dtypes=(torch.float32,),
    )
    names = [figure.name for figures in record.figures.values() for figure in figures]
    for name in (
        "faster than (a) in float32",
        "faster than (a) in float16",
        "share of (c)",
        "canvas: memory at 4 tiles",
        "canvas, frugal: time's exponent",
    ):
        assert name in names


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a GPU")
def test_the_ways_of_a_plan_are_left_out_without_a_gpu_and_that_is_said(tmp_path: Path) -> None:
    record = main(["--only", "ways", "--quick", "--to", str(tmp_path)])
    assert record.remarks == ["left out: torch sees no GPU of CUDA here"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak is known on Linux alone")
def test_the_ways_of_a_plan_are_measured_and_exact_ones_paint_the_same() -> None:
    exact = torch.float32
    record = Record()
    ways.measure_on(
        record,
        {name: partial(build, exact) for name, build in TINY_PIPELINES.items()},
        choose_device("cpu", "float32"),
        side_px=128,
        steps=1,
        rounds=1,
    )
    groups = {figure.group for figures in record.figures.values() for figure in figures}
    assert len(groups) == 3
    for group in groups:
        figures = [f for part in record.figures.values() for f in part if f.group == group]
        by_name = {figure.name: figure.value for figure in figures}
        assert by_name["time over the bare calls"] > 0
        for way, (_, _, is_small) in ways.WAYS.items():
            assert by_name[f"{way}: a step"] > 0
            assert by_name[f"{way}: highest memory"] > 0
            if way != ways.FIRST:
                distance = by_name[f"{way}: latents' distance from {ways.FIRST}"]
                assert (distance > 1e-5) == is_small


def test_a_large_model_is_measured_with_its_peak_memory(tmp_path: Path) -> None:
    record = main(["--only", "large", "--quick", "--to", str(tmp_path)])
    figures = {figure.name: figure.value for figure in record.figures["large"]}
    assert figures["parameters of the denoiser"] > 1e5
    assert figures["peak of the whole process"] > figures["memory beside the model"] > 0
