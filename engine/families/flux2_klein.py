"""FLUX.2 klein: dev's network, smaller, with another encoder; guided, or made for few steps."""

from __future__ import annotations

from typing import Any

from engine.families import flux2
from engine.families.guidance import ClassifierFreeGuidance
from engine.runtime.devices import Device


class LoadedModel(flux2.LoadedModel):
    """A diffusers Flux2KleinPipeline: distilled models need one pass, base models a guidance."""

    NAME = "flux2_klein"
    PIPELINE = "Flux2KleinPipeline"

    def __init__(self, pipeline: Any, device: Device) -> None:
        """Take over a pipeline whose parts are on their devices."""
        super().__init__(pipeline, device)
        if not pipeline.config.is_distilled:
            self.guidance = ClassifierFreeGuidance()

    def _rendered(self, prompt: str) -> str:
        message = {"role": "user", "content": prompt}
        rendered: str = self._pipeline.tokenizer.apply_chat_template(
            [message], tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return rendered
