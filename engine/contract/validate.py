"""From a document to a job: every problem found at once, each at the field it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .catalogue import known_model
from .coverage import uncovered_share
from .errors import shown
from .findings import Checked, Findings, check_canvas_size, check_multiple, check_sides, read_fields
from .job import (
    CONSISTENCY_SCHEDULERS,
    DEFAULT_STRIDE_PX,
    REGION_TYPES,
    Image2ImageRegion,
    Job,
    Rectangle,
    RerollRegion,
    Text2ImageRegion,
)
from .kinds import Choice
from .limits import Limits
from .pictures import read_size
from .png import UnreadablePictureError
from .validate_grid import is_grid, read_grid

_CONSISTENCY_MOST_STEPS = 50
_FEW_STEPS = 8  # models of the catalogue that are made for no more are held against it
_CLEARLY_MORE = 2
_NOTICEABLE_SHARE = 1e-6
_RETIRED = "reuse_attention"  # stands in every job that 0.1.0 wrote


def _check_picture(name: str, place: str, folder: Path, limits: Limits, findings: Findings) -> None:
    path = folder / name
    try:
        size = read_size(path)
    except FileNotFoundError:
        findings.error(
            place, name, f"there is no file {name!r}", f"put it in {folder}, or mend the path"
        )
    except OSError as error:
        message = f"{name!r} cannot be opened: {error.strerror}"
        findings.error(place, name, message, "choose a picture that can be read")
    except (UnreadablePictureError, ValueError) as error:
        message = f"{name!r} is no picture that can be read: {error}"
        findings.error(place, name, message, "save it anew, as PNG for example")
    else:
        if size.width_px * size.height_px > limits.max_picture_px:
            findings.error(
                place,
                name,
                f"{name!r} has {size.width_px} × {size.height_px} pixels, over the limit of "
                f"{limits.max_picture_px} pixels",
                "scale it down: it is resized to its region in any case",
            )


def _objects(value: object, place: str, findings: Findings) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the objects of a list with the place of each, and note what is none."""
    if not isinstance(value, list | tuple):
        findings.error(place, value, f"{shown(value)} is not a list", "write a list of regions")
        return []
    found = []
    for index, item in enumerate(value):
        at = f"{place}[{index}]"
        if isinstance(item, Mapping):
            found.append((f"{at}.", item))
        else:
            remedy = "write an object in braces"
            findings.error(at, item, f"{shown(item)} is not a region", remedy)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads one job; remembers what all its regions are held against."""

    folder: Path | None
    stride_px: int
    limits: Limits
    findings: Findings

    def job(self, document: Mapping[str, Any]) -> Job | None:
        nested = ("regions", "reroll_regions")
        if document.get(_RETIRED) is True:
            self.findings.warn(_RETIRED, True, "is not there any more", "remove it: it did not pay")
        known = {key: value for key, value in document.items() if key != _RETIRED}
        values = read_fields(Job, known, "", self.findings, elsewhere=nested)
        height, width = values.get("canvas_height"), values.get("canvas_width")
        for name in ("canvas_height", "canvas_width"):
            if name in values:
                check_multiple(name, values[name], self.stride_px, self.findings)
        if height is not None and width is not None:
            check_canvas_size("canvas_height", height, width, self.limits, self.findings)
        if (
            values.get("scheduler") in CONSISTENCY_SCHEDULERS
            and values.get("num_inference_steps", 50) > _CONSISTENCY_MOST_STEPS
        ):
            self.findings.error(
                "num_inference_steps",
                values["num_inference_steps"],
                f"{values['scheduler']} takes at most {_CONSISTENCY_MOST_STEPS} steps",
                "try 8",
            )
        listed = document.get("regions", ())
        items = _objects(listed, "regions", self.findings)
        if isinstance(listed, list | tuple) and not any(
            item.get("type") == Text2ImageRegion.TYPE for _, item in items
        ):
            message = "no region has a prompt, so nothing would be painted"
            self.findings.error("regions", None, message, "add a text2image region")
        regions = [self._diffusion_region(place, item, values) for place, item in items]
        rerolls = [
            self._reroll_region(place, item, values)
            for place, item in _objects(
                document.get("reroll_regions") or (), "reroll_regions", self.findings
            )
        ]
        if self.findings.has_errors:
            return None
        job = Job(
            **values,
            regions=tuple(region for region in regions if region),
            reroll_regions=tuple(region for region in rerolls if region),
        )
        self._warn_of_gaps(job)
        self._warn_of_guidance_and_steps(job)
        return job

    def _diffusion_region(
        self, place: str, item: Mapping[str, Any], sizes: Mapping[str, Any]
    ) -> Text2ImageRegion | Image2ImageRegion | None:
        kind = item.get("type")
        if kind is None:
            remedy = f"add one of: {', '.join(REGION_TYPES)}"
            self.findings.error(f"{place}type", None, "is missing", remedy)
            return None
        options = Choice(tuple(REGION_TYPES))
        if not self.findings.complain(f"{place}type", kind, options.complaint(kind)):
            return None
        cls = REGION_TYPES[kind]
        values = self._region_values(cls, place, item, sizes, elsewhere=("type",))
        if "reference_image" in values and self.folder is not None:
            at = f"{place}reference_image"
            _check_picture(values["reference_image"], at, self.folder, self.limits, self.findings)
        return None if self.findings.has_errors else cls(**values)

    def _reroll_region(
        self, place: str, item: Mapping[str, Any], sizes: Mapping[str, Any]
    ) -> RerollRegion | None:
        values = self._region_values(RerollRegion, place, item, sizes)
        if self.findings.has_errors:
            return None
        region = RerollRegion(**values)
        at = f"{place}noise_eps"
        if region.reroll_mode == "epsilon" and region.noise_eps == 0:
            message = "0 changes nothing in mode epsilon"
            self.findings.warn(at, 0, message, "try 0.2")
        if region.reroll_mode == "reset" and region.noise_eps > 0:
            message = "has no effect in mode reset, which draws the region anew"
            self.findings.warn(at, region.noise_eps, message, "use mode epsilon, or leave it out")
        return region

    def _region_values(
        self,
        cls: type[Rectangle],
        place: str,
        item: Mapping[str, Any],
        sizes: Mapping[str, Any],
        elsewhere: Sequence[str] = (),
    ) -> dict[str, Any]:
        values = read_fields(cls, item, place, self.findings, elsewhere=elsewhere)
        check_sides(values, place, sizes, self.stride_px, self.findings)
        return values

    def _warn_of_gaps(self, job: Job) -> None:
        painting = [region for region in job.text_regions if region.mask_weight > 0]
        share = uncovered_share(job.canvas_height, job.canvas_width, painting)
        if share > _NOTICEABLE_SHARE:
            self.findings.warn(
                "regions",
                round(share, 4),
                f"{share:.1%} of the canvas is covered by no text region and will stay formless",
                "add a region of the whole canvas with a background prompt and a small mask_weight",
            )

    def _warn_of_guidance_and_steps(self, job: Job) -> None:
        model = known_model(job.model)
        few = model if model and model.num_inference_steps <= _FEW_STEPS else None
        if few and job.num_inference_steps > _CLEARLY_MORE * few.num_inference_steps:
            self.findings.warn(
                "num_inference_steps",
                job.num_inference_steps,
                f"{few.title} is made to paint in {few.num_inference_steps} steps",
                f"try {few.num_inference_steps}",
            )
        for index, region in enumerate(job.regions):
            if not isinstance(region, Text2ImageRegion) or region.guidance_scale is None:
                continue
            at, guidance = f"regions[{index}].guidance_scale", region.guidance_scale
            if guidance == 0 and region.prompt.strip():
                message = "0 paints as if there were no prompt"
                self.findings.warn(at, guidance, message, "use 1 to follow the prompt alone")
            elif few and guidance > _CLEARLY_MORE * few.guidance_scale:
                message = f"{guidance:g} is far more than {few.title} is made for"
                self.findings.warn(at, guidance, message, f"try {few.guidance_scale:g}")


def check(
    document: object,
    *,
    folder: Path | None,
    stride_px: int = DEFAULT_STRIDE_PX,
    limits: Limits | None = None,
) -> Checked:
    """Check a job, or a grid configuration of the original, and return what was found.

    `folder` is where the document's paths start, None where its pictures are not files and so are
    not looked at; `stride_px` is the model's pixels per latent cell.
    """
    findings = Findings()
    limits = limits or Limits()
    job = None
    if not isinstance(document, Mapping):
        message = f"{shown(document)} is not a job"
        findings.error("", document, message, "write an object in braces")
    elif is_grid(document):
        job = read_grid(document, stride_px, limits, findings)
    else:
        reader = _Reader(folder=folder, stride_px=stride_px, limits=limits, findings=findings)
        job = reader.job(document)
    return findings.checked(job)
