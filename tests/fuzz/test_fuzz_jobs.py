"""Jobs, grids and their files: a job, or problems, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from engine.contract.chance import resolve_random
from engine.contract.checks import check
from engine.contract.errors import EngineError, Problem
from engine.contract.job import to_document
from engine.contract.models import facts_of, model_problems
from engine.contract.named_in import files_of
from engine.contract.parse import parse_json
from engine.storage.job_files import read_source
from engine.storage.png import moved
from tests.contract.jobs import jobs, right_job
from tests.fuzz.fuzzing import Draw, as_json, fuzz, garbled, mutated

GRID: dict[str, Any] = {
    "prompt": [["a", "b"], ["c", "d"]],
    "tile_height": 64,
    "tile_width": 64,
    "tile_row_overlap": 16,
    "tile_col_overlap": 16,
    "gc": 8,
    "gc_tiles": [[1, None], [None, 2]],
    "seed": 1,
    "seed_tiles": [[1, 2], [3, None]],
    "seed_tiles_mode": [["full", "exclusive"], ["full", "full"]],
    "seed_reroll_regions": [[0, 64, 0, 64, 7]],
    "steps": 3,
}
DOCUMENTS = st.just(right_job()) | st.just(GRID) | jobs()


def examine(document: object, folder: Path) -> None:
    checked = check(document, folder=folder)
    assert (checked.job is None) == any(p.severity == "error" for p in checked.problems)
    for problem in checked.problems:
        assert problem.message
        assert problem.remedy
        assert Problem.from_document(json.loads(json.dumps(problem.to_document()))) == problem
    if checked.job is not None:
        job = resolve_random(checked.job, Random(0))
        again = check(to_document(job), folder=folder)
        assert again.job == job, "what was written is what is read"
        list(files_of(job))
        moved(job, folder, folder / "elsewhere")
        model_problems(job.model, folder)
    if isinstance(document, dict) and isinstance(document.get("model"), str):
        facts_of(document["model"], folder)


def test_a_document_is_a_job_or_has_problems(seconds: float, tmp_path: Path) -> None:
    def one(draw: Draw) -> None:
        examine(mutated(draw, draw.draw(DOCUMENTS)), tmp_path)

    fuzz(one, seconds)


def test_a_file_holds_a_job_or_says_why_not(seconds: float, tmp_path: Path) -> None:
    path = tmp_path / "job.json"

    def one(draw: Draw) -> None:
        path.write_bytes(garbled(draw, as_json(mutated(draw, draw.draw(DOCUMENTS)))))
        with suppress(EngineError):
            examine(read_source(path).document, tmp_path)

    fuzz(one, seconds)


def test_a_text_is_a_document_or_says_why_not(seconds: float) -> None:
    def one(draw: Draw) -> None:
        with suppress(EngineError):
            parse_json(garbled(draw, as_json(draw.draw(DOCUMENTS))))

    fuzz(one, seconds)
