"""Ways in which model families follow a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from engine.runtime.batching import Term, Text


class ClassifierFreeGuidance:
    """The prompt's prediction counts g times, the negative prompt's 1 − g times.

    So neither needs to wait for the other, and a guidance of 1 costs one pass.

    Source: Ho and Salimans, arXiv 2207.12598.
    """

    takes_negative = True

    def terms(self, prompt: str, negative_prompt: str, scale: float) -> Sequence[Term]:
        """Return the terms that count."""
        both = (
            Term(text=Text(prompt=negative_prompt, is_negative=True), weight=1.0 - scale),
            Term(text=Text(prompt=prompt), weight=scale),
        )
        return [term for term in both if term.weight != 0]

    def combine(self, terms: Sequence[Term], outputs: Sequence[Tensor]) -> Tensor:
        """Return the sum of what the network said, each times its weight."""
        guided = outputs[0] * terms[0].weight
        for term, output in zip(terms[1:], outputs[1:], strict=True):
            guided = guided.add_(output, alpha=term.weight)
        return guided


class EmbeddedGuidance:
    """The guidance is an input of the network, or in its weights: one pass.

    So it is with latent consistency models, and others that were distilled.
    """

    takes_negative = False

    def terms(self, prompt: str, negative_prompt: str, scale: float) -> Sequence[Term]:
        """Return the prompt alone; a negative one has no say."""
        return [Term(text=Text(prompt=prompt), weight=1.0)]

    def combine(self, terms: Sequence[Term], outputs: Sequence[Tensor]) -> Tensor:
        """Return what the network said."""
        (guided,) = outputs
        return guided
