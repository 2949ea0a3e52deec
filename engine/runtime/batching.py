"""A denoiser for any model family: which passes share a call of the network, and what fits.

A window of a region is predicted from one pass or several, as the family's guidance needs: with
the region's prompt, with its negative prompt. Passes of one shape share calls.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from engine.contract.cuts import TURNS
from engine.contract.job import Job
from engine.contract.prompt_syntax import PLAIN
from engine.runtime.capacity import Capacity
from engine.runtime.controls import Control, Elapsed, Held, held
from engine.runtime.devices import give_memory_back, is_oom
from engine.runtime.following import Followed, Seen, seen
from engine.runtime.loras import NO_LORAS, Loras, LoraSet
from engine.runtime.windows import Window

Conditioning = Mapping[str, Tensor]
"""What the network sees beside latents and timestep, by name; (B, …) each."""

_KEPT_TEXT_BYTES = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A prompt as an encoder takes it; some families encode an empty negative one as nothing."""

    prompt: str
    is_negative: bool = False
    syntax: str = PLAIN
    """How the job's prompts are read, of `PROMPT_SYNTAXES`."""
    loras: LoraSet = NO_LORAS
    """Those that have a say in what the text becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term of a guided prediction: what the network says to a text, and its weight."""

    text: Text
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the sampler steps by in a window, guidance included.

    Shapes: value (1, C, h, w), float32.
    """

    window: int
    value: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One call of the network.

    Shapes: latents (P, C, h, w), float32; timestep (1,), on their device.
    """

    latents: Tensor
    timestep: Tensor
    conditioning: Conditioning
    controls: tuple[Held, ...] = ()
    references: tuple[Seen, ...] = ()


class Guidance(Protocol):
    """How a family follows a prompt: from which terms a prediction is made, and how."""

    takes_negative: bool
    """Whether a negative prompt has a say at any scale."""

    def terms(self, prompt: str, negative_prompt: str, scale: float) -> Sequence[Term]:
        """Return the terms that must be predicted; none that would count 0 times."""

    def combine(self, terms: Sequence[Term], outputs: Sequence[Tensor]) -> Tensor:
        """Return the guided prediction from what the network said to each term.

        Shapes: (1, C, h, w) each.
        """


class Network(Protocol):
    """What a model family gives: texts encoded, and one call on a batch."""

    @property
    def guidance(self) -> Guidance:
        """How predictions follow prompts."""

    @property
    def network_device(self) -> torch.device:
        """Where the network runs."""

    @property
    def channels(self) -> int:
        """Channels of a latent cell."""

    @property
    def loras(self) -> Loras:
        """The LoRAs that it holds."""

    def encode(self, text: Text) -> Conditioning:
        """Return what a text becomes, (1, …) each; by itself, so that none changes another's."""

    def aligned(
        self, texts: Sequence[Text], encoded: Callable[[Text], Conditioning]
    ) -> Sequence[Conditioning]:
        """Return what the texts of one prediction became, as the network wants them side by side.

        `encoded` gives what any text became, encoded once.
        """

    def condition(self, encoded: Conditioning, window: Window, scale: float) -> Conditioning:
        """Return what a pass sees of a text in a window, with a guidance scale."""

    def call(self, batch: Batch) -> Tensor:
        """Return the network's prediction, as the family's scheduler expects it.

        Shapes: (P, C, h, w), float32.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWindow:
    """A window in which a text region is generated; its weights (h, w) are on the CPU."""

    region: int
    """The region's place among the job's text regions."""
    window: Window
    weights: Tensor
    turn: int | None = None
    """Of windows that shift: the turn of `TURNS` steps in which this one is predicted."""

    def is_in(self, turn: int) -> bool:
        """Return whether the window is predicted in a turn."""
        return self.turn is None or self.turn == turn


def in_turn(windows: Sequence[RegionWindow], turn: int = 0) -> list[RegionWindow]:
    """Return the windows of one turn, which together have the regions' whole weights."""
    return [one for one in windows if one.is_in(turn)]


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """One look of the network at a window, for one of the terms of its prediction."""

    index: int
    window: Window
    turn: int | None
    terms: Sequence[Term]
    conditioning: Conditioning
    loras: LoraSet
    controls: tuple[Control, ...]
    references: tuple[Followed, ...]
    is_negative: bool

    @property
    def cells(self) -> int:
        """Cells of the window."""
        return self.window.height * self.window.width

    @cached_property
    def key(self) -> object:
        """What passes have in common that share a call."""
        shapes = tuple((name, t.shape) for name, t in sorted(self.conditioning.items()))
        controls = tuple(one.key for one in self.controls)
        references = tuple(one.key for one in self.references)
        size = (self.window.height, self.window.width)
        return *size, shapes, self.loras, controls, references


class Denoiser:
    """Predicts the windows of a job with a network; remembers texts, and what fits into a call.

    `capacity` bounds how many passes share one call: more is faster, fewer need less memory, the
    result is the same to float rounding.
    """

    def __init__(self, network: Network, *, capacity: Capacity | None = None) -> None:
        self._network = network
        self._capacity = capacity or Capacity(network.network_device)
        self._texts: OrderedDict[Text, Conditioning] = OrderedDict()

    def plan(
        self,
        job: Job,
        windows: Sequence[RegionWindow],
        controls: Sequence[Sequence[Control]] = (),
        references: Sequence[Sequence[Followed]] = (),
    ) -> BatchPlan:
        """Return how windows are predicted, each distinct text encoded once, now or earlier.

        `controls` and `references` are those of each text region, where a job has any. The network
        holds the job's LoRAs.
        """
        regions, network, passes = job.text_regions, self._network, []
        encoded: dict[Text, Conditioning] = {}

        def on_device(text: Text) -> Conditioning:
            if text not in encoded:
                device, kept = network.network_device, self._encoded(text)
                encoded[text] = {name: t.to(device) for name, t in kept.items()}
            return encoded[text]

        for index, one in enumerate(windows):
            region = regions[one.region]
            scale, negative = region.guidance_scale, region.negative_prompt
            if scale is None:
                raise ValueError("the guidance is not resolved yet")
            negative = job.negative_prompt if negative is None else negative
            own = network.loras.set_of((*job.loras, *region.loras))
            heard = network.loras.heard(own)
            terms = network.guidance.terms(region.prompt, negative, scale)
            texts = [replace(term.text, syntax=job.prompt_syntax, loras=heard) for term in terms]
            for term, found in zip(terms, network.aligned(texts, on_device), strict=True):
                seen = network.condition(found, one.window, scale)
                passes.append(
                    _Pass(
                        index=index,
                        window=one.window,
                        turn=one.turn,
                        terms=terms,
                        conditioning=seen,
                        loras=own,
                        controls=tuple(controls[one.region]) if controls else (),
                        references=tuple(references[one.region]) if references else (),
                        is_negative=term.text.is_negative,
                    )
                )
        return BatchPlan(network, passes, self._capacity)

    def _encoded(self, text: Text) -> Conditioning:
        """Return what a text becomes, kept on the CPU: a GPU's memory is for the network."""
        if text not in self._texts:
            self._network.loras.use(text.loras)
            found = self._network.encode(text)
            self._texts[text] = {name: t.cpu() for name, t in found.items()}
            while len(self._texts) > 1 and self._text_bytes() > _KEPT_TEXT_BYTES:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]

    def _text_bytes(self) -> int:
        return sum(t.nbytes for encoded in self._texts.values() for t in encoded.values())


class BatchPlan:
    """The passes of a job, in groups that share calls; turn by turn where windows shift."""

    def __init__(self, network: Network, passes: Sequence[_Pass], capacity: Capacity) -> None:
        self._network = network
        turns = range(TURNS) if any(one.turn is not None for one in passes) else [0]
        self._turns = [self._grouped(passes, turn) for turn in turns]
        self._fitting: dict[object, int] = {}
        every = [group for groups in self._turns for group in groups]
        # What the largest needs tells of the others.
        for group in sorted(every, key=lambda group: group[0].cells, reverse=True):
            fitting = self._fitting_now(group, capacity)
            self._fitting[group[0].key] = max(fitting, self._fitting.get(group[0].key, 1))

    @staticmethod
    def _grouped(passes: Sequence[_Pass], turn: int) -> list[list[_Pass]]:
        groups: dict[object, list[_Pass]] = {}
        for one in passes:
            if one.turn in (None, turn):
                groups.setdefault(one.key, []).append(one)
        # Those of one set of LoRAs after another.
        return sorted(groups.values(), key=lambda group: group[0].loras)

    def predict(
        self, model_input: Tensor, t: Tensor, elapsed: Elapsed | None = None
    ) -> Iterator[Prediction]:
        """Yield the predictions of all windows, in any order, as the calls give them.

        `t` is on the CPU, so that nobody waits for the device to learn it; `elapsed` says which
        controls hold in the step, all of them without it, and whose turn it is where windows shift.

        Shapes: model_input (1, C, H, W), float32.
        """
        # Filled by the device itself: a copy from the host would have to wait for it.
        timestep = torch.full((1,), t.item(), dtype=t.dtype, device=model_input.device)
        outputs: dict[int, list[Tensor]] = {}
        for group in self._turns[0 if elapsed is None else elapsed.step % len(self._turns)]:
            done = 0
            while done < len(group):
                called = self._as_many_as_fit(group[done:], model_input, timestep, elapsed)
                for one, output in zip(group[done:], torch.split(called, 1), strict=False):
                    known = outputs.setdefault(one.index, [])
                    known.append(output)
                    if len(known) == len(one.terms):
                        del outputs[one.index]
                        value = self._network.guidance.combine(one.terms, known)
                        yield Prediction(window=one.index, value=value)
                done += len(called)

    def _as_many_as_fit(
        self,
        left: Sequence[_Pass],
        model_input: Tensor,
        timestep: Tensor,
        elapsed: Elapsed | None,
    ) -> Tensor:
        """Call the network once, with fewer passes from then on where the memory is too small."""
        while True:
            passes = left[: self._fitting[left[0].key]]
            try:
                views = torch.cat([one.window.take(model_input) for one in passes])
                return self._called(passes, views, timestep, elapsed)
            except (RuntimeError, MemoryError) as error:
                if len(passes) == 1 or not is_oom(error):
                    raise
            # Only here, where the error no longer holds the tensors of the call.
            self._fitting[passes[0].key] = len(passes) // 2
            give_memory_back(model_input.device)

    def _called(
        self,
        passes: Sequence[_Pass],
        latents: Tensor,
        timestep: Tensor,
        elapsed: Elapsed | None = None,
    ) -> Tensor:
        conditioning = {
            name: torch.cat([one.conditioning[name] for one in passes])
            for name in passes[0].conditioning
        }
        self._network.loras.use(passes[0].loras)
        return self._network.call(
            Batch(
                latents=latents,
                timestep=timestep,
                conditioning=conditioning,
                controls=held([(one.window, one.controls) for one in passes], elapsed),
                references=seen([(one.is_negative, one.references) for one in passes], elapsed),
            )
        )

    def _fitting_now(self, group: Sequence[_Pass], capacity: Capacity) -> int:
        height, width = group[0].window.height, group[0].window.width
        channels, device = self._network.channels, self._network.network_device

        def call(count: int) -> Tensor:
            blank = torch.zeros((count, channels, height, width), device=device)
            timestep = torch.zeros(1, dtype=torch.int64, device=device)
            return self._called(group[:count], blank, timestep)

        first = group[0]
        beside = (len(first.controls), *(one.shown.shape for one in first.references))
        return capacity.passes(height, width, len(group), call, beside=beside)
