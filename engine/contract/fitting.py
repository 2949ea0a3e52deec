"""Which models suit a machine: the order of the list, and what is said of one that is too large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .catalogue import CATALOGUE, Fit, KnownModel, Listed
from .errors import EngineError, Problem, shown
from .families import FAMILIES, Family
from .footprints import Footprint
from .memory import Machine, MemoryPlan, Work, gib, least_plan, plan_memory
from .model_files import footprint_of
from .models import facts_of

_ORDER: dict[Fit | None, int] = {"fits": 0, None: 1, "slower": 2, "too large": 3}
_MOST_NAMED = 2


def plan_of_known(
    known: KnownModel, machine: Machine, work: Work | None = None
) -> MemoryPlan | None:
    """Return how a model of the catalogue fits, in a picture of its own size or for some work."""
    if known.footprint is None:
        return None
    work = work or Work.of_square(known.native_px)
    return plan_memory(known.footprint, FAMILIES[known.family], work, machine)


def fit_of(known: KnownModel | None, machine: Machine | None) -> Fit | None:
    """Return how well a model suits a machine; None where one of the two is not known."""
    if known is None or machine is None:
        return None
    if known.footprint is None:
        return "fits"
    plan = plan_of_known(known, machine)
    return plan.fit if plan else "too large"


def fitting_first(models: Iterable[Listed], machine: Machine | None) -> tuple[Listed, ...]:
    """Return models with how each fits: what suits the machine comes first, else as they were."""
    fitted = (replace(one, fit=fit_of(one.known, machine)) for one in models)
    return tuple(sorted(fitted, key=lambda one: _ORDER[one.fit]))


def memory_plan(
    model: str | None,
    folder: Path | None,
    work: Work,
    machine: Machine,
    *,
    is_small: bool = False,
) -> MemoryPlan | None:
    """Return where a job's model will be, None where nothing is known of its parts.

    `folder` is where a relative path starts; `is_small` asks for 8 bits.

    Raises: EngineError of kind `memory` where it fits in no way.
    """
    footprint = footprint_of(model, folder)
    if footprint is None:
        return None
    family = facts_of(model, folder).family
    plan = plan_memory(footprint, family, work, machine, is_small=is_small)
    if plan is None:
        raise too_large(model or "", footprint, family, work, machine)
    return plan


def memory_problems(error: EngineError, model: str | None) -> tuple[Problem, ...]:
    """Return that a model fits in no way, as a problem of its job."""
    message = error.message.removeprefix("model: ")
    return (Problem("model", shown(model or ""), message, error.advice),)


def too_large(
    name: str, footprint: Footprint, family: Family, work: Work, machine: Machine
) -> EngineError:
    """Return the error of a model that fits in no way, with which would."""
    least = least_plan(footprint, family, work, machine)
    own = Work.of_square(family.native_px)
    advice = []
    if not work.is_within(own) and plan_memory(footprint, family, own, machine):
        advice.append(f"use regions of {family.native_px} × {family.native_px} px or less")
    if work != work.alone and plan_memory(footprint, family, work.alone, machine):
        advice.append("leave out controls, reference pictures or LoRAs")
    elsewhere = replace(work, cpu_vae=True)
    if machine.has_own_memory and plan_memory(footprint, family, elsewhere, machine):
        advice.append("have the picture decoded on the processor (VAE on CPU, cpu_vae)")
    if named := _that_fit(name, work, machine):
        advice.append(f"choose a model that fits: {' or '.join(named)}")
    advice.append("close what else uses this memory")
    where = f"on {machine.name} ({gib(machine.free_bytes)} of {gib(machine.total_bytes)} GB free)"
    if least.needed_bytes <= machine.free_bytes and least.host_bytes:
        where = f"in the computer's memory ({gib(machine.host_free_bytes)} GB free)"
        needed = least.host_bytes
    else:
        needed = least.needed_bytes
    message = f"{name or 'the model'} needs {gib(needed)} GB at the least {where}"
    return EngineError(f"model: {message}", kind="memory", advice=", or ".join(advice))


def _that_fit(name: str, work: Work, machine: Machine) -> list[str]:
    """Return what fits of the catalogue, well or else slowly: the largest first, consent last."""
    found: dict[Fit, dict[Footprint, str]] = {"fits": {}, "slower": {}}
    known = ((one, one.footprint) for one in CATALOGUE if one.footprint and one.id != name)
    for one, of in sorted(known, key=lambda pair: (pair[0].is_gated, -pair[1].network.numbers)):
        if plan := plan_of_known(one, machine, work):
            found[plan.fit].setdefault(of, one.title)
    best = found["fits"] or found["slower"]
    return list(best.values())[:_MOST_NAMED]
