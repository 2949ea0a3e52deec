"""A preset: how pictures look and are made, under a name, as a file that people pass on.

The file is JSON and nothing but data. What it leaves out a scene keeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .errors import EngineError, Problem, shown
from .files import atomic_write, open_input
from .job import GUIDANCE, MAX_STEPS, SHARE
from .kinds import Choice, Complaint, ModelName, OrNone, Text, Whole, nearest, spec
from .parse import OTHER_NAMES, Findings, parse_json, read_fields
from .schedulers import SCHEDULERS

_VERSION_KEY = "mixdiff_preset"
_VERSION = 1
PRESET_SUFFIX = ".json"
MODELS_OWN = "own"
_LONGEST_NAME = 80
_MOST_BYTES = 2**20
_KEPT = "what the scene has"


@dataclass(frozen=True, slots=True)
class _Name(Text):
    def complaint(self, value: object) -> Complaint | None:
        """Return what is wrong with the value, or None."""
        found = Text(required=True).complaint(value)
        if found or not isinstance(value, str):
            return found
        if len(value) > _LONGEST_NAME or not value.isprintable():
            return Complaint(
                f"{shown(value)} is no name", f"use at most {_LONGEST_NAME} letters in one line"
            )
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What is set at once by its name; None for what stays as it is."""

    name: str = spec(_Name(), "What the preset is called")
    prompt: str | None = spec(OrNone(Text(), _KEPT), "The style, added to each region's prompt")
    negative_prompt: str | None = spec(OrNone(Text(), _KEPT), "What to keep out of the picture")
    model: str | None = spec(OrNone(ModelName(), _KEPT), "The model that generates")
    scheduler: str | None = spec(
        OrNone(Choice((MODELS_OWN, *SCHEDULERS)), _KEPT),
        f"The sampler; {MODELS_OWN!r} for the model's",
    )
    num_inference_steps: int | None = spec(
        OrNone(Whole(1, MAX_STEPS), _KEPT), "Steps from noise to picture"
    )
    guidance_scale: float | None = spec(
        OrNone(GUIDANCE, _KEPT), "How closely each text region follows its prompt"
    )
    base_strength: float | None = spec(
        OrNone(SHARE, _KEPT), "How much the base pass has a part in the first step; 0 is off"
    )
    base_end: float | None = spec(
        OrNone(SHARE, _KEPT), "The share of the steps over which the base pass fades out"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetFile:
    """A preset as it was read, with what its file holds beside it."""

    preset: Preset
    document: Mapping[str, Any]
    """All that the file holds, also what this version does not know."""
    warnings: tuple[Problem, ...] = ()

    def named(self, name: str) -> PresetFile:
        """Return the same under another name."""
        document = {**self.document, "name": name}
        return replace(self, preset=replace(self.preset, name=name), document=document)

    def write(self, path: Path) -> None:
        """Write the file.

        Raises: EngineError of kind `output`.
        """
        text = json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"
        with atomic_write(path) as file:
            file.write(text.encode("utf-8"))


def preset_file(preset: Preset) -> PresetFile:
    """Return a preset as a file has it.

    Raises: EngineError of kind `preset` where a value of it is wrong, such as its name.
    """
    values = {f.name: getattr(preset, f.name) for f in fields(preset)}
    said = {name: value for name, value in values.items() if value is not None}
    return _read_document({_VERSION_KEY: _VERSION, **said}, "the preset")


def read_preset(path: Path) -> PresetFile:
    """Read a preset's file; keys that are not known are warnings, and stay in its document.

    Raises: EngineError of kind `preset` that names the file and every key that is wrong.
    """
    advice = "choose the file of a preset"
    with open_input(path, kind="preset", advice=advice) as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise EngineError(f"{path.name} is too long for a preset", kind="preset", advice=advice)
    try:
        document = parse_json(text)
    except EngineError as error:
        raise EngineError(f"{path.name}: {error}", kind="preset") from error
    if not isinstance(document, Mapping) or _VERSION_KEY not in document:
        message = f"{path.name} is no preset: it has no key {_VERSION_KEY!r}"
        raise EngineError(message, kind="preset", advice=advice)
    return _read_document(document, path.name)


def _read_document(document: Mapping[str, Any], where: str) -> PresetFile:
    findings = Findings()
    _read_version(document[_VERSION_KEY], findings)
    known = tuple(f.name for f in fields(Preset))
    for key in (key for key in document if key not in (_VERSION_KEY, *known)):
        meant = {"style": "prompt", **OTHER_NAMES}.get(key.lower(), key)
        remedy = f"write {meant!r}" if meant in known else nearest(key, known)
        findings.warn(key, document[key], "is not known and does nothing", remedy)
    values = read_fields(Preset, {k: document[k] for k in known if k in document}, "", findings)
    if findings.has_errors:
        wrong = "\n".join(str(p) for p in findings.problems if p.severity == "error")
        raise EngineError(f"{where}: {wrong}", kind="preset")
    warnings = tuple(findings.problems)
    return PresetFile(preset=Preset(**values), document=document, warnings=warnings)


def _read_version(version: object, findings: Findings) -> None:
    complaint = Whole(1).complaint(version)
    if findings.complain(_VERSION_KEY, version, complaint) and version != _VERSION:
        findings.error(
            _VERSION_KEY,
            version,
            f"the file is of version {version}, and this MixDiff reads {_VERSION}",
            "install a newer MixDiff",
        )
