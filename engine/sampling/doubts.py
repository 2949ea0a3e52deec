"""What a model will not hear of a job: texts that are cut, and what is kept out in vain."""

from __future__ import annotations

from collections.abc import Iterator

from engine.contract.base_pass import has_base
from engine.contract.errors import Problem, shown
from engine.contract.job import Job
from engine.contract.prompt_syntax import WEIGHTS
from engine.families.base import Model
from engine.runtime.batching import Text
from engine.sampling.loras import misfit_warnings


def doubts_about(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for whatever of a job's texts and LoRAs has no effect on a loaded model."""
    yield from _long_texts(job, model)
    yield from _unheard_negatives(job, model)
    yield from misfit_warnings(job, model)


def _long_texts(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for each text of which the model sees the beginning alone."""
    texts = [("", "negative_prompt", job.negative_prompt)]
    in_parts = f", or set prompt_syntax to {shown(WEIGHTS)}, which reads all of it"
    if has_base(job):
        texts.append(("", "base_prompt", job.base_prompt))
    for region in job.text_regions:
        texts.append((region.name, "prompt", region.prompt))
        texts.append((region.name, "negative_prompt", region.negative_prompt or ""))
    for region_name, field_name, text in texts:
        is_negative = field_name == "negative_prompt"
        whole = Text(prompt=text, is_negative=is_negative, syntax=job.prompt_syntax)
        if cut_off := model.cut_off(whole):
            yield Problem(
                field=field_name,
                value=shown(text),
                region=region_name,
                message=f"is longer than the model sees: {shown(cut_off)} has no effect",
                remedy="shorten it, what counts most first"
                + (in_parts if model.family.reads_weights else ""),
                severity="warning",
            )


def _unheard_negatives(job: Job, model: Model) -> Iterator[Problem]:
    """Yield a warning for what is to be kept out, where the guidance does not ask for it.

    Of families that never ask for it the job's checks have warned.
    """
    if not model.family.takes_negative:
        return
    for region in job.text_regions:
        own, scale = region.negative_prompt, region.guidance_scale
        text = job.negative_prompt if own is None else own
        terms = model.guidance.terms(region.prompt, text, scale or 0.0)
        if text.strip() and not any(term.text.is_negative for term in terms):
            message = f"has no effect on this model at a guidance of {scale:g}"
            remedy = "use another guidance, or a model that is not made for few steps"
            if not model.guidance.takes_negative:
                message = "has no effect: this model takes no negative prompt"
                remedy = "say in the prompt what there should be instead, or leave it out"
            yield Problem(
                field="negative_prompt",
                value=shown(text),
                region=region.name,
                message=message,
                remedy=remedy,
                severity="warning",
            )
