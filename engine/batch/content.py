"""Jobs that carry their pictures by content, and models known by what is in their files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.contract.errors import EngineError
from engine.contract.files import is_there, open_input, path_in
from engine.contract.job import BUNDLED_MODEL, Job, to_document
from engine.contract.loras import loras_in, with_loras
from engine.contract.named_in import files_of, with_files
from engine.contract.parse import Findings, read_job
from engine.families.loading import resolve

_HEAD_BYTES = 2**20
_MODEL_KINDS = (".safetensors", ".gguf", ".json", ".txt", ".model")


def content_of(job: Job, folder: Path) -> dict[str, tuple[str, bytes]]:
    """Return the files that a job names: each name's digest and bytes.

    Raises: EngineError of kind `picture` where one cannot be read.
    """
    found = {}
    for name in set(files_of(job)):
        path = path_in(folder, name)
        with open_input(path, kind="picture", advice="put it back where the job has it") as file:
            data = file.read()
        found[name] = (hashlib.sha256(data).hexdigest(), data)
    return found


def with_content(
    document: Mapping[str, Any],
    contents: Mapping[str, bytes],
    folder: Path,
    model: SentModel,
) -> dict[str, Any]:
    """Write a job's files into a folder, and return the job with their paths there.

    Its model and LoRAs are asked for as `model` says.
    """
    findings = Findings()
    job = findings.checked(read_job(document, findings)).job_or_raise()
    written = {}
    for number, (name, data) in enumerate(sorted(contents.items())):
        path = folder / f"{number}{Path(name).suffix}"
        path.write_bytes(data)
        written[name] = str(path)
    job = with_loras(job, lambda lora: replace(lora, lora=model.loras.get(lora.lora, lora.lora)))
    return to_document(replace(with_files(job, lambda name: written[name]), model=model.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class SentModel:
    """A model as another machine is asked for it, and its fingerprint where the job comes from."""

    name: str | None
    fingerprint: str
    loras: Mapping[str, str] = field(default_factory=dict)
    """How it is asked for the job's LoRAs, by their names there; what they hold the job says."""


def sent_model(job: Job, folder: Path) -> SentModel:
    """Return how another machine is asked for a job's model and LoRAs.

    By their whole paths where they lie here, or else by their names: weights are too large to be
    sent with each picture.
    """

    def whole(name: str) -> str:
        path = path_in(folder, name)
        return str(path.resolve()) if is_there(path) else name

    name = job.model if job.model in (None, BUNDLED_MODEL) else whole(str(job.model))
    return SentModel(
        name=name,
        fingerprint=fingerprint(name, folder),
        loras={lora.lora: whole(lora.lora) for _, _, lora in loras_in(job)},
    )


def fingerprint(model: str | None, folder: Path) -> str:
    """Return what tells a model from another of its name: its files' sizes and beginnings.

    Empty where it is not on this machine.
    """
    try:
        return _fingerprint(Path(resolve(model, folder)))
    except (EngineError, OSError):
        return ""


@lru_cache(maxsize=64)
def _fingerprint(path: Path) -> str:
    digest = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.suffix in _MODEL_KINDS and file.is_file():
            digest.update(f"{file.relative_to(path)} {file.stat().st_size}".encode())
            with file.open("rb") as opened:
                digest.update(opened.read(_HEAD_BYTES))
    return digest.hexdigest()
