"""From a document to a job, field by field, with every problem where it belongs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any

from .errors import JobError, Problem, shown, warning
from .job import REGION_TYPES, Job, RerollRegion, with_unique_names
from .kinds import Choice, Complaint, Names, Record, Records, kind_of, nearest

# Keys of earlier versions that change nothing any more.
RETIRED = {"reuse_attention": "attention is computed at every step now"}

# What other programs call a key of a job, or of its regions.
OTHER_NAMES = {
    "steps": "num_inference_steps",
    "sampling_steps": "num_inference_steps",
    "cfg": "guidance_scale",
    "cfg_scale": "guidance_scale",
    "guidance": "guidance_scale",
    "sampler": "scheduler",
    "sampler_name": "scheduler",
    "sampler_index": "scheduler",
    "scheduler_name": "scheduler",
    "height": "canvas_height",
    "width": "canvas_width",
    "h": "canvas_height",
    "w": "canvas_width",
    "negative": "negative_prompt",
    "uc": "negative_prompt",
    "text": "prompt",
    "positive": "prompt",
    "positive_prompt": "prompt",
    "seed": "region_seed",
    "noise_seed": "seed",
    "denoise": "strength",
    "denoising_strength": "strength",
    "image": "reference_image",
    "init_image": "reference_image",
    "mask_image": "mask",
    "mask_blur": "feather_px",
    "weight": "mask_weight",
    "conditioning_scale": "scale",
    "controlnet_conditioning_scale": "scale",
    "control_guidance_start": "start",
    "control_guidance_end": "end",
    "control_image": "image",
    "control_mode": "kind",
    "ip_adapter_image": "image",
    "ip_adapter_scale": "scale",
    "ip_adapter": "model",
    "checkpoint": "model",
    "ckpt": "model",
    "ckpt_name": "model",
    "model_name": "model",
    "model_id": "model",
    "sd_model_checkpoint": "model",
    "file": "lora",
    "path": "lora",
    "lora_name": "lora",
    "scale": "weight",
}

_REGION_CLASSES = (*REGION_TYPES.values(), RerollRegion)
_REGION_PATH = re.compile(r"^((?:reroll_)?regions\[\d+\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found; the job is there unless a problem is an error."""

    job: Job | None
    problems: tuple[Problem, ...]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not stop the job."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def job_or_raise(self) -> Job:
        """Return the job.

        Raises: JobError with every problem where one is an error.
        """
        if self.job is None:
            raise JobError(p for p in self.problems if p.severity == "error")
        return self.job


@dataclass(slots=True, kw_only=True)
class Findings:
    """Collects problems while a document is read or a job is checked."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, path: str, value: object, message: str, remedy: str) -> None:
        """Note a problem that stops the job."""
        self.problems.append(Problem(path, shown(value), message, remedy))

    def warn(self, path: str, value: object, message: str, remedy: str) -> None:
        """Note a problem that the job survives."""
        self.problems.append(warning(path, shown(value), message, remedy))

    def complain(self, path: str, value: object, complaint: Complaint | None) -> bool:
        """Note a kind's complaint, if there is one; return whether there was none."""
        if complaint:
            self.error(path, value, complaint.message, complaint.remedy)
        return complaint is None

    @property
    def has_errors(self) -> bool:
        """Whether something was found that stops the job."""
        return any(p.severity == "error" for p in self.problems)

    def checked(self, draft: Draft | None) -> Checked:
        """Return the outcome, each problem with the name of its region."""
        job = None if draft is None or self.has_errors else draft.job()
        names = {} if draft is None else dict(_names(draft, job))

        def named(problem: Problem) -> Problem:
            path = _REGION_PATH.match(problem.field)
            return replace(problem, region=names.get(path[1], "")) if path else problem

        return Checked(job=job, problems=tuple(named(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDraft:
    """A record on its way to be one: the class that it will be of, and its values so far."""

    path: str
    cls: type
    values: Mapping[str, Any]
    inside: Mapping[str, Sequence[RecordDraft]] = field(default_factory=dict)
    """The records of its lists of records, by the lists' names."""

    def record(self) -> Any:
        """Return the record; nothing of it may be wrong or missing."""
        return self.cls(**self.values, **records_of(self.inside))


def records_of(lists: Mapping[str, Sequence[RecordDraft]]) -> dict[str, Any]:
    """Return the records of lists; nothing of them may be wrong or missing."""
    return {name: tuple(draft.record() for draft in drafts) for name, drafts in lists.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job on its way to be one: values that are wrong or missing are not in it."""

    values: Mapping[str, Any]
    inside: Mapping[str, Sequence[RecordDraft]]
    """The records of its lists of records, by the lists' names."""
    alone: Mapping[str, RecordDraft] = field(default_factory=dict)
    """Its records that are no lists, by their names; those that are null are left out."""

    @property
    def regions(self) -> Sequence[RecordDraft]:
        """The regions."""
        return self.inside["regions"]

    @property
    def all_regions(self) -> Sequence[RecordDraft]:
        """The regions, then the reroll regions."""
        return [*self.regions, *self.inside["reroll_regions"]]

    def job(self) -> Job:
        """Return the job; nothing of it may be wrong or missing."""
        return with_unique_names(
            Job(
                **self.values,
                **records_of(self.inside),
                **{name: draft.record() for name, draft in self.alone.items()},
            )
        )


def _names(draft: Draft, job: Job | None) -> Iterator[tuple[str, str]]:
    """Yield the path and the name of each region, also of those that cannot become one."""
    if job is not None:
        for record, region in zip(draft.all_regions, job.all_regions, strict=True):
            yield record.path, region.name
        return
    for record in draft.all_regions:
        made_up = record.path.replace("_regions[", " ").replace("regions[", "region ").rstrip("]")
        yield record.path, record.values.get("name") or made_up


def read_job(document: Mapping[str, Any], findings: Findings) -> Draft:
    """Read all of a job that is right in itself; what is not is noted."""
    values = read_fields(Job, document, "", findings)
    inside = _read_lists(Job, values, "", findings)
    return Draft(values=values, inside=inside, alone=_read_records_alone(values, findings))


def _read_records_alone(values: dict[str, Any], findings: Findings) -> dict[str, RecordDraft]:
    """Take the records that are no lists out of a job's values, and return them read."""
    found = {}
    for declared in fields(Job):
        name, kind = declared.name, kind_of(declared)
        if isinstance(kind, Record) and (item := values.pop(name, None)) is not None:
            read = read_fields(kind.of, item, f"{name}.", findings)
            found[name] = RecordDraft(path=name, cls=kind.of, values=read)
    return found


def _read_lists(
    cls: type, values: dict[str, Any], path: str, findings: Findings
) -> dict[str, Sequence[RecordDraft]]:
    """Take the lists of records out of a record's values, and return them read, by their names."""
    return {
        declared.name: _read_records(
            values.pop(declared.name, ()), kind, path + declared.name, findings
        )
        for declared in fields(cls)
        if isinstance(kind := kind_of(declared), Records)
    }


def _read_records(
    items: Sequence[object], kind: Records, name: str, findings: Findings
) -> list[RecordDraft]:
    found = []
    for index, item in enumerate(items):
        path = f"{name}[{index}]"
        if not isinstance(item, Mapping):
            remedy = "write an object in braces"
            findings.error(path, item, f"{shown(item)} is not a {kind.called}", remedy)
            continue
        cls = _class_of(item, kind, path, findings)
        if cls is not None:
            elsewhere = ("type",) if isinstance(kind.of, Mapping) else ()
            values = read_fields(cls, item, f"{path}.", findings, elsewhere=elsewhere)
            inside = _read_lists(cls, values, f"{path}.", findings)
            found.append(RecordDraft(path=path, cls=cls, values=values, inside=inside))
    return found


def _class_of(item: Mapping[str, Any], kind: Records, path: str, findings: Findings) -> type | None:
    if not isinstance(kind.of, Mapping):
        return kind.of
    named = item.get("type")
    if named is None:
        findings.error(f"{path}.type", None, "is missing", f"add one of: {', '.join(kind.of)}")
        return None
    complaint = Choice(tuple(kind.of)).complaint(named)
    return kind.of[named] if findings.complain(f"{path}.type", named, complaint) else None


def read_fields(
    cls: type,
    document: Mapping[str, Any],
    path: str,
    findings: Findings,
    *,
    elsewhere: Sequence[str] = (),
    written: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the values of a dataclass's declared fields, those that are right.

    `elsewhere` are known keys that the caller reads itself; `written` says under which other
    key a document gave a field. A field that the document leaves out is left out here too.
    """
    written = written or {}
    declared = _declared(cls)
    for key in document:
        if key in RETIRED:
            if value := document[key]:
                findings.warn(path + str(key), value, "has no effect any more", RETIRED[key])
        elif key not in declared and key not in elsewhere:
            remedy = _hint(str(key), cls, [*declared, *elsewhere])
            findings.error(path + str(key), document[key], "is not known", remedy)
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        at = path + written.get(name, name)
        if name not in document:
            if declaration.default is MISSING:
                findings.error(at, None, "is missing", f"add it: {declaration.metadata['doc']}")
            continue
        value = document[name]
        if value is None and isinstance(kind_of(declaration), Records):
            continue  # the original's pipelines take None for no reroll regions
        kind = kind_of(declaration)
        if findings.complain(at, value, kind.complaint(value)):
            values[name] = tuple(value) if isinstance(kind, Names) else value
    return values


def _declared(cls: type) -> dict[str, Field[Any]]:
    return {f.name: f for f in fields(cls) if "kind" in f.metadata}


def _hint(key: str, cls: type, known: Sequence[str]) -> str:
    """Return which key was meant, and where it belongs."""
    meant = OTHER_NAMES.get(key.lower().replace(" ", "_").replace("-", "_"), key)
    if meant in known:
        return f"write {meant!r}"
    if cls is Job and any(meant in _declared(region) for region in _REGION_CLASSES):
        return f"write {meant!r} in each region that it is for"
    if cls in _REGION_CLASSES and meant in _declared(Job):
        return f"write {meant!r} beside the regions: it is the whole job's"
    return nearest(key, known)


class _RepeatedKeyError(ValueError):
    pass


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKeyError(f"the key {repeated!r} stands twice in one object")
    return document


def parse_json(text: str | bytes) -> object:
    """Return the document that a JSON text holds.

    Raises: JobError where the text is no JSON, or gives a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct_keys)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        message, remedy = f"the file is not JSON: {error.msg} ({where})", "mend it there"
    except _RepeatedKeyError as error:
        message, remedy = str(error), "keep one of them"
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        message, remedy = f"the file is not JSON: {error}", "save it as UTF-8 text"
    raise JobError([Problem("", shown(None), message, remedy)])
