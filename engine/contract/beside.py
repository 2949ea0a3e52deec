"""What a job adds beside its model, in numbers that a memory has to hold.

Counted from the files' headers where they are on this computer, else about, from what is known of
them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from .adapter_files import adapter_path, encoder_folder, facts_of_adapter
from .adapters import adapter_name_for, known_adapter
from .controlnets import controlnet_path, known_controlnet, name_for
from .effort import SHOWN_TOKENS
from .errors import ModelError
from .files import is_dir
from .job import Job
from .lora_files import lora_path
from .loras import loras_in
from .memory import Work
from .models import ModelFacts
from .weights import WEIGHTS, read_shapes

_STORED_BYTES = {"sd": 4}  # of a number of the known ControlNets; all others are in half precision


def work_of(job: Job, facts: ModelFacts, folder: Path) -> Work:
    """Return what a job asks of a memory, with all that it adds beside its model.

    `folder` is where relative paths start.
    """
    adapters = list(_adapters(job, facts, folder))
    held = (*_controlnets(job, facts, folder), *(own for own, _ in adapters), *_loras(job, folder))
    return replace(
        Work.of_job(job),
        beside_numbers=sum(held),
        seeing_numbers=max((encoder for _, encoder in adapters), default=0),
        reference_tokens=_seen_tokens(job) if facts.family.sees_references else 0,
    )


def _controlnets(job: Job, facts: ModelFacts, folder: Path) -> Iterator[int]:
    controls = (one for region in job.text_regions for one in region.controls_in(job))
    names = {name_for(one.model, one.kind, facts) for one in controls if one.scale > 0}
    for name in names:
        known = known_controlnet(name)
        try:
            path = controlnet_path(name or "", folder)
        except ModelError:
            if known is not None:
                yield known.download_bytes // _STORED_BYTES.get(known.family, 2)
        else:
            yield _numbers(path.glob(f"*{WEIGHTS}") if is_dir(path) else [path])


def _adapters(job: Job, facts: ModelFacts, folder: Path) -> Iterator[tuple[int, int]]:
    """Yield the numbers of each IP-Adapter, and those of the encoder that sees for it."""
    references = (one for region in job.text_regions for one in region.references_in(job))
    for name in {adapter_name_for(one.model, facts) for one in references}:
        known = known_adapter(name)
        own, encoder = (known.own_bytes // 2, known.encoder.numbers) if known else (0, 0)
        try:
            path, found = adapter_path(name or "", folder), facts_of_adapter(name or "", folder)
            own = found.numbers
            encoder = _numbers(encoder_folder(path, found).glob(f"*{WEIGHTS}"))
        except ModelError:
            pass
        yield own, encoder


def _loras(job: Job, folder: Path) -> Iterator[int]:
    for _, _, lora in loras_in(job):
        try:
            yield _numbers([lora_path(lora, folder)])
        except ModelError:
            continue


def _seen_tokens(job: Job) -> int:
    most = max((len(region.references_in(job)) for region in job.text_regions), default=0)
    return most * SHOWN_TOKENS


def _numbers(files: Iterable[Path]) -> int:
    """Return how many numbers files of weights hold, 0 of those that cannot be read."""
    total = 0
    for file in files:
        try:
            stat = file.stat()
            total += _numbers_of(file, stat.st_size, stat.st_mtime_ns)
        except (OSError, ModelError):
            continue
    return total


@lru_cache(maxsize=64)
def _numbers_of(file: Path, size: int, changed_ns: int) -> int:
    return sum(map(math.prod, read_shapes(file).values()))
