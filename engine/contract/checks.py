"""What a job must be like to run: checks of a whole job, or of as much of one as could be read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .base_pass import check_base, has_base
from .catalogue import known_model
from .controlnets import complaint_about
from .cuts import RING_CONTEXT_PX
from .earlier_checks import CHECKS, check_kept
from .effort import largest_sides
from .errors import Problem, shown
from .files import path_in
from .geometry import pieces, uncovered_share
from .image_sizes import ImageSize, read_size
from .job import (
    Image2ImageRegion,
    Job,
    RerollRegion,
    Text2ImageRegion,
    to_document,
    with_unique_names,
)
from .kinds import File, OrNone, kind_of, nearest
from .limits import Limits
from .loras import lora_problems
from .models import ModelFacts, facts_of
from .parse import Checked, Draft, Findings, RecordDraft, read_job
from .parse_grid import is_grid, read_grid
from .png import UnreadableImageError
from .prompt_syntax import PLAIN, WEIGHTS, read_weights
from .reference_checks import check_references
from .schedulers import SCHEDULERS
from .sides import check_canvas_size, check_multiple, check_sides

LEAST_WINDOW_CELLS = 8
_FEW_STEPS = 9  # models of the catalogue that are made for no more are held against it
_CLEARLY_MORE = 2
_FIRST = "write what should count more first"
_NUMBER = r"\s*-?\d{0,9}\.?\d{1,9}\s*"
# None may look at the same letters again and again: a prompt can be as long as a file.
_WITH_WEIGHTS = (
    (re.compile(rf"\([^()]+:{_NUMBER}\)|\(\([^()]+\)\)"), _FIRST),
    (re.compile(r"\bBREAK\b"), "take it out: each part can be a region of its own"),
)
_SYNTAX_OF_OTHERS = (
    (re.compile(r"<(lora|lyco|hypernet|embedding):[^<>]*>", re.IGNORECASE), "take it out"),
    (re.compile(r"\bembedding:\S|\b__[\w/-]{1,80}__\b"), "write what it stands for"),
    (
        re.compile(rf"\{{[^{{}}|]*\|[^{{}}]*\}}|\[[^\[\]]*:{_NUMBER}\]|\[[^\[\]|]*\|[^\[\]]*\]"),
        "write one of its parts",
    ),
)
_FEATHER_PX = next(f.default for f in fields(Text2ImageRegion) if f.name == "feather_px")
_NOTICEABLE_SHARE = 1e-6


def check(
    document: object,
    *,
    folder: Path | None,
    facts: ModelFacts | None = None,
    limits: Limits | None = None,
    has_weights: bool = True,
) -> Checked:
    """Read and check a job, or a grid configuration of the original.

    `folder` is where the document's paths start, None where its pictures are not files and so are
    not looked at; `facts` are the model's, found by its name unless they are given. LoRAs are
    looked for where `has_weights`: another machine may have them.
    """
    findings, limits = Findings(), limits or Limits()
    if not isinstance(document, Mapping):
        message = f"{shown(document)} is not a job"
        findings.error("", document, message, "write an object in braces")
        return findings.checked(None)
    if is_grid(document):
        model = document.get("model")
        facts = facts or facts_of(model if isinstance(model, str) else None, folder)
        job = read_grid(document, facts.grid_px, limits, findings)
        return Checked(job=job and with_unique_names(job), problems=tuple(findings.problems))
    draft = read_job(document, findings)
    facts = facts or facts_of(draft.values.get("model"), folder)
    checks = _Checks(
        folder=folder, facts=facts, limits=limits, findings=findings, has_weights=has_weights
    )
    checks.run(draft)
    return findings.checked(draft)


def validate(
    job: Job, *, folder: Path | None, facts: ModelFacts, limits: Limits | None = None
) -> tuple[Problem, ...]:
    """Return what is wrong or doubtful about a job that is there already, as `check` would."""
    return check(to_document(job), folder=folder, facts=facts, limits=limits).problems


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checks:
    """Everything that is held against a job beyond its single fields."""

    folder: Path | None
    facts: ModelFacts
    limits: Limits
    findings: Findings
    has_weights: bool

    def run(self, draft: Draft) -> None:
        self._canvas(draft.values)
        self._schedule(draft.values)
        self._controls(draft.inside["controls"])
        self._references(draft.inside["references"])
        self._windows(draft.values)
        syntax = draft.values.get("prompt_syntax", PLAIN)
        self._syntax(draft.values, "", syntax)
        is_list = not any(problem.field == "regions" for problem in self.findings.problems)
        if is_list and not any(region.cls is Text2ImageRegion for region in draft.regions):
            message = "no region has a prompt, so nothing would be generated"
            self.findings.error("regions", None, message, "add a text2image region")
        for region in draft.all_regions:
            at = f"{region.path}."
            check_sides(region.values, at, draft.values, self.facts.grid_px, self.findings)
            self._files(region)
            self._controls(region.inside.get("controls", ()))
            self._references(region.inside.get("references", ()))
            self._syntax(region.values, at, syntax)
            if region.cls is RerollRegion:
                self._reroll(region)
        for name, record in draft.alone.items():
            CHECKS[name](record, self._files(record), draft.values, self.findings)
        if not self.findings.has_errors:
            job = draft.job()
            self._loras(job)
            if job.kept is not None:
                check_kept(job.kept, job, self.findings)
            self._too_large(job)
            self._gaps(job)
            self._poles(job)
            self._few_steps(job)
            self._unheard(job)
            self._without_effect(job)
            check_base(job, self.findings)

    def _canvas(self, values: Mapping[str, Any]) -> None:
        height, width = values.get("canvas_height"), values.get("canvas_width")
        for name, value in (("canvas_height", height), ("canvas_width", width)):
            if value is not None:
                check_multiple(name, value, self.facts.grid_px, self.findings)
        if height is not None and width is not None:
            check_canvas_size("canvas_height", height, width, self.limits, self.findings)

    def _schedule(self, values: Mapping[str, Any]) -> None:
        name = values.get("scheduler")
        if name is None:
            return
        family = self.facts.family
        if name not in family.schedulers:
            message = f"{shown(name)} does not suit a model of the kind {family.title}"
            self.findings.error("scheduler", name, message, nearest(name, family.schedulers))
        most = SCHEDULERS[name].most_steps
        steps = values.get("num_inference_steps", 0)
        if most is not None and steps > most:
            message = f"{name} takes at most {most} steps"
            self.findings.error("num_inference_steps", steps, message, "try 8")

    def _windows(self, values: Mapping[str, Any]) -> None:
        largest, least = values.get("max_region_px"), LEAST_WINDOW_CELLS * self.facts.grid_px
        if largest is not None and largest < least:
            message = f"{largest} is less than any window can be"
            remedy = f"use {self.facts.largest_px}, which suits the model, or at least {least}"
            self.findings.error("max_region_px", largest, message, remedy)

    def _controls(self, controls: Sequence[RecordDraft]) -> None:
        for control in controls:
            self._files(control)
            at, values = f"{control.path}.", control.values
            kind, start, end = values.get("kind"), values.get("start", 0.0), values.get("end", 1.0)
            if start >= end:
                message = f"{start:g} is not before the end, {end:g}"
                self.findings.error(f"{at}start", start, message, "use 0 and 1 for all steps")
            if kind is None or values.get("scale") == 0:
                continue  # what is not held to needs no ControlNet
            model = values.get("model")
            if complaint := complaint_about(model, kind, self.facts, self.folder):
                self.findings.error(f"{at}model", model, *complaint)

    def _references(self, references: Sequence[RecordDraft]) -> None:
        sizes = [self._files(reference) for reference in references]
        check_references(references, self.facts, self.folder, sizes, self.findings)

    def _files(self, record: RecordDraft) -> dict[str, ImageSize]:
        """Look at the pictures that a record names; return the sizes of those that will do."""
        sizes: dict[str, ImageSize] = {}
        if self.folder is None:
            return sizes
        for declared in fields(record.cls):
            name = record.values.get(declared.name)
            match kind_of(declared):
                case File() | OrNone(kind=File()) if name is not None:
                    path = f"{record.path}.{declared.name}"
                    if size := self._picture(name, path, self.folder):
                        sizes[declared.name] = size
        return sizes

    def _picture(self, name: str, path: str, folder: Path) -> ImageSize | None:
        try:
            size = read_size(path_in(folder, name))
        except FileNotFoundError:
            message = f"there is no file {name!r}"
            remedy = f"put it in {folder}, or mend the path"
        except OSError as error:
            message = f"{name!r} cannot be opened: {error.strerror}"
            remedy = "choose a picture that can be read"
        except (UnreadableImageError, ValueError) as error:
            message = f"{name!r} is no picture that can be read: {error}"
            remedy = "save it anew, as PNG for example"
        else:
            if size.width_px * size.height_px <= self.limits.max_picture_px:
                return size
            message = (
                f"{name!r} has {size.width_px} × {size.height_px} pixels, over the limit of "
                f"{self.limits.max_picture_px} pixels"
            )
            remedy = "scale it down: it is resized to its region in any case"
        self.findings.error(path, name, message, remedy)
        return None

    def _syntax(self, values: Mapping[str, Any], at: str, syntax: str) -> None:
        can_weigh = self.facts.family.reads_weights
        has_weights = syntax == WEIGHTS and can_weigh
        remedy = f"set prompt_syntax to {shown(WEIGHTS)}, which reads it" if can_weigh else None
        foreign = [(pattern, remedy or other) for pattern, other in _WITH_WEIGHTS]
        for name in ("prompt", "negative_prompt", "base_prompt"):
            text, path = values.get(name) or "", f"{at}{name}"
            for pattern, advice in (*(foreign if not has_weights else ()), *_SYNTAX_OF_OTHERS):
                if found := pattern.search(text):
                    message = f"{shown(found[0])} has no meaning here and is read as words"
                    self.findings.warn(path, text, message, advice)
            for doubt in read_weights(text).doubts if has_weights else ():
                self.findings.warn(path, text, doubt.message, doubt.remedy)

    def _reroll(self, region: RecordDraft) -> None:
        mode, amount = region.values.get("reroll_mode", "reset"), region.values.get("noise_eps", 0)
        path = f"{region.path}.noise_eps"
        if mode == "epsilon" and amount == 0:
            self.findings.warn(path, 0, "0 changes nothing in mode epsilon", "try 0.2")
        if mode == "reset" and amount > 0:
            message = "has no effect in mode reset, which draws the region anew"
            self.findings.warn(path, amount, message, "use mode epsilon, or leave it out")

    def _loras(self, job: Job) -> None:
        if self.folder is not None and self.has_weights:
            family = self.facts.family if self.facts.is_known else None
            self.findings.problems += lora_problems(job, self.folder, family)

    def _too_large(self, job: Job) -> None:
        most = self.facts.family.most_region_px
        if most is None:
            return
        for index, region in enumerate(job.regions):
            seen = largest_sides(job, region)
            if isinstance(region, Text2ImageRegion) and max(seen) > most:
                message = f"{max(seen)} pixels are more than such a model can look at, {most}"
                is_ring = any(job.around(region))  # which is seen with what is around it
                largest = most - 2 * RING_CONTEXT_PX if is_ring else self.facts.largest_px
                remedy = f"set max_region_px to {largest}, which cuts it"
                self.findings.error(f"regions[{index}]", max(seen), message, remedy)

    def _unheard(self, job: Job) -> None:
        if self.facts.family.takes_negative:
            return
        remedy = "say in the prompt what there should be instead, or leave it out"
        message = f"has no effect: {self.facts.family.title} takes no negative prompt"
        paths = [("negative_prompt", job.negative_prompt)]
        for index, region in enumerate(job.regions):
            if isinstance(region, Text2ImageRegion):
                paths.append((f"regions[{index}].negative_prompt", region.negative_prompt or ""))
        for path, text in paths:
            if text.strip():
                self.findings.warn(path, text, message, remedy)

    def _gaps(self, job: Job) -> None:
        height, width = job.canvas_height, job.canvas_width
        covering = [
            piece
            for region in job.text_regions
            if region.mask_weight > 0
            for piece in pieces(region, height, width)
        ]
        share = uncovered_share(height, width, covering)
        if share > _NOTICEABLE_SHARE:
            self.findings.warn("regions", round(share, 4), *gap_warning(share))

    def _poles(self, job: Job) -> None:
        calm, size = job.calm_poles_deg, [job.canvas_width, job.canvas_height]
        if calm == 0:
            return
        if not job.wrapped.columns:
            message = "the picture is to be all around, and has a seam where it closes"
            self.findings.warn("calm_poles_deg", calm, message, 'set wrap to "x"')
        if size[0] != 2 * size[1]:
            message = f"{size[0]} × {size[1]} pixels are no picture all around"
            remedy = "make it twice as wide as high, or set calm_poles_deg to 0"
            self.findings.warn("calm_poles_deg", calm, message, remedy)

    def _few_steps(self, job: Job) -> None:
        model = known_model(job.model)
        few = model if model and model.num_inference_steps <= _FEW_STEPS else None
        if few and job.num_inference_steps > _CLEARLY_MORE * few.num_inference_steps:
            self.findings.warn(
                "num_inference_steps",
                job.num_inference_steps,
                f"{few.title} is made to generate in {few.num_inference_steps} steps",
                f"try {few.num_inference_steps}",
            )
        guided = [
            (f"regions[{index}].guidance_scale", region.prompt, region.guidance_scale)
            for index, region in enumerate(job.regions)
            if isinstance(region, Text2ImageRegion)
        ]
        if has_base(job):
            guided.append(("base_guidance_scale", job.base_prompt, job.base_guidance_scale))
        for path, prompt, guidance in guided:
            if guidance is None:
                continue
            if guidance == 0 and prompt.strip():
                message = "0 generates as if there were no prompt"
                self.findings.warn(path, guidance, message, "use 1 to follow the prompt alone")
            elif few and guidance > _CLEARLY_MORE * few.guidance_scale:
                message = f"{guidance:g} is far more than {few.title} is made for"
                self.findings.warn(path, guidance, message, f"try {few.guidance_scale:g}")

    def _without_effect(self, job: Job) -> None:
        for index, region in enumerate(job.regions):
            path = f"regions[{index}]"
            match region:
                case Image2ImageRegion(strength=0):
                    message = "0 leaves nothing of the picture"
                    self.findings.warn(f"{path}.strength", 0, message, "try 0.5")
                case Text2ImageRegion(guidance_scale=guidance) if not region.prompt.strip():
                    if guidance != 0:  # which asks for it
                        message = "there is none: the model paints what it likes there"
                        remedy = "write what belongs there, or take the region out"
                        self.findings.warn(f"{path}.prompt", region.prompt, message, remedy)
            if isinstance(region, Text2ImageRegion) and region.mask_type != "feather":
                given = region.feather_px
                if given != _FEATHER_PX:
                    message = f"has no effect on the falloff {region.mask_type}"
                    remedy = 'use mask_type "feather", or leave it out'
                    self.findings.warn(f"{path}.feather_px", given, message, remedy)
            if region.mask is None and region.mask_area != "region":
                message = "has no effect without a mask"
                self.findings.warn(f"{path}.mask_area", region.mask_area, message, "leave it out")


def gap_warning(share: float) -> tuple[str, str]:
    """Return what is said of a canvas of which a share is in no text region, and what helps."""
    return (
        f"{share:.1%} of the canvas is covered by no text region and will stay formless",
        "fill it from behind: a region of the whole canvas with little weight, or Fill Gaps",
    )
