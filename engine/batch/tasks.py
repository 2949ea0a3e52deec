"""The pictures of a batch: jobs × seeds, each with all that is random filled in, and its file.

What a job leaves to chance is drawn from the job's own content. So the same command always means
the same pictures, and one that was stopped is taken up by giving it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from engine.contract.chance import random_seed, resolve_random
from engine.contract.checks import check
from engine.contract.errors import EngineError, JobError, ModelError, Problem, shown
from engine.contract.files import is_there, path_in
from engine.contract.job import Job, to_document
from engine.contract.limits import Limits
from engine.contract.loras import identified, lora_files, loras_in
from engine.contract.models import facts_of, model_problems
from engine.contract.png import read_job
from engine.storage.job_files import read_source
from engine.storage.png import PNG, moved

_SEED_END = 2**64
_MOST_SEEDS = 1_000_000
_KINDS = (".json", PNG)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTask:
    """One picture to be made; the job's paths start at the folder of its output."""

    job: Job
    output: Path

    @property
    def folder(self) -> Path:
        """Where the job's paths start."""
        return self.output.parent

    @property
    def document(self) -> dict[str, Any]:
        """The job as its picture will hold it."""
        return to_document(self.job)

    @property
    def is_made(self) -> bool:
        """Whether the picture is there, made by this very job."""
        try:
            return read_job(self.output) == self.document
        except EngineError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Each `of`-th picture from the `number`-th on, counted from 1: one machine's share."""

    number: int = 1
    of: int = 1

    def of_all(self, tasks: Sequence[BatchTask]) -> Sequence[BatchTask]:
        """Return this part of all tasks."""
        return tasks[self.number - 1 :: self.of]


def job_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files of jobs: those that are named, and those in the folders that are named.

    Raises: EngineError where a folder holds none.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in _KINDS)
        if not found:
            raise EngineError(f"{path} holds no job", kind="job", advice="give job files or PNGs")
        yield from found


def tasks_of(
    paths: Sequence[Path],
    folder: Path,
    *,
    seeds: Sequence[int] = (),
    variants: int = 1,
    model: str | None = None,
    is_model_here: bool = True,
    limits: Limits | None = None,
) -> list[BatchTask]:
    """Return the pictures of some jobs, of each job all its seeds, named by both.

    `variants` counts on from the job's own seed. Models and LoRAs are looked for where
    `is_model_here`.

    Raises: JobError with all that is wrong of any job; EngineError where two pictures would have
    one name, or another picture has it.
    """
    tasks: list[BatchTask] = []
    problems: list[Problem] = []
    limits = limits or Limits()
    for path in job_files(paths):
        source = read_source(path)
        document = source.document
        if model is not None and isinstance(document, Mapping):
            local = path_in(Path.cwd(), model)
            document = {**document, "model": str(local) if is_there(local) else model}
        named = document.get("model") if isinstance(document, Mapping) else None
        facts = facts_of(named if isinstance(named, str) else None, source.folder)
        checked = check(
            document,
            folder=source.folder,
            facts=facts,
            limits=limits,
            has_weights=is_model_here,
        )
        wrong = [one for one in checked.problems if one.severity == "error"]
        if checked.job is not None and is_model_here:
            wrong += model_problems(checked.job.model, source.folder)
        problems += (replace(one, field=f"{path.name}: {one.field}") for one in wrong)
        if checked.job is not None:
            job = moved(_identified(checked.job, source.folder), source.folder, folder)
            tasks += _of_one(job, path.stem, folder, seeds, variants)
    if problems:
        raise JobError(problems)
    _require_names(tasks)
    return tasks


def _identified(job: Job, folder: Path) -> Job:
    """Return the job with the content of its LoRAs named, as far as they lie on this machine."""
    if any(True for _ in loras_in(job)):
        with suppress(ModelError):
            return identified(job, lora_files(job, folder))
    return job


def _of_one(
    job: Job, stem: str, folder: Path, seeds: Sequence[int], variants: int
) -> Iterator[BatchTask]:
    if not seeds and variants == 1:
        yield BatchTask(job=_resolved(job), output=folder / f"{stem}{PNG}")
        return
    first = random_seed(_chance(job)) if job.seed is None else job.seed
    for seed in seeds or [(first + number) % _SEED_END for number in range(variants)]:
        yield BatchTask(
            job=_resolved(replace(job, seed=seed)), output=folder / f"{stem}-{seed}{PNG}"
        )


def _resolved(job: Job) -> Job:
    return resolve_random(job, _chance(job))


def _chance(job: Job) -> Random:
    """Return what is drawn from a job's own content; no secret hangs on it."""
    text = json.dumps(to_document(job), sort_keys=True).encode()
    return Random(int.from_bytes(hashlib.sha256(text).digest(), "big"))  # noqa: S311


def _require_names(tasks: Sequence[BatchTask]) -> None:
    names: set[str] = set()
    for task in tasks:
        name = str(task.output).lower()
        if name in names:
            raise EngineError(
                f"two pictures would be called {task.output.name}",
                kind="output",
                advice="give the jobs names that differ, and each seed once",
            )
        names.add(name)
        if is_there(task.output) and not task.is_made:
            raise EngineError(
                f"{task.output} is there and is not of this job",
                kind="output",
                advice="choose another folder with --output, or move it away",
            )


def numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a text such as `7`, `1-16` or `1-4,9`.

    Raises: ValueError where it is none.
    """
    found: list[int] = []
    for part in text.split(","):
        range_ = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        first, last = range_.groups() if range_ else ("1", "0")
        counted = range(int(first), int(last or first) + 1)
        if not 0 < len(counted) <= _MOST_SEEDS:
            raise ValueError(f"{shown(text)} is no list of numbers; give 7, 1-16 or 1-4,9")
        found += counted
    return tuple(found)
