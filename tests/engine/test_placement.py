"""Parts that share a device's memory in turns; torch's meta device stands in for the card."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.runtime.placement import place
from tests.engine.runs import placed

CARD, HOST = torch.device("meta"), torch.device("cpu")


class Autoencoder(nn.Module):
    """Something with the two halves of one, which are called by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(2, 2), nn.Linear(2, 2)


class Part(nn.Module):
    """A part that notes where all parts are while it works."""

    def __init__(self, all_parts: dict[str, nn.Module]) -> None:
        super().__init__()
        self.layer, self._all = nn.Linear(2, 2), all_parts
        self.seen: list[set[str]] = []

    def forward(self, x: Tensor) -> Tensor:
        on_card = (name for name, part in self._all.items() if where(part) == CARD)
        self.seen.append(set(on_card) - {"vae"})
        return x


def where(part: nn.Module) -> torch.device:
    return next(part.parameters()).device


def parts() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made.update(text_encoder=Part(made), text_encoder_2=Part(made), unet=Part(made))
    return {**made, "vae": Autoencoder()}


def work(made: dict[str, Any], *names: str) -> list[set[str]]:
    x = torch.zeros(1, 2)
    with torch.inference_mode():
        for name in names:
            (made["vae"].decoder.to(CARD) if name == "vae" else made[name])(
                x.to(CARD) if name == "vae" else x
            )
    return [one for name in set(names) - {"vae"} for one in made[name].seen]


def test_what_comes_is_there_while_it_works_and_alone() -> None:
    made = parts()
    place(made, "unet", placed("comes", "comes"), CARD)
    assert {where(made[name]) for name in made if name != "vae"} == {HOST}
    numbers = made["unet"].layer.weight
    before = numbers.data.clone()
    work(made, "text_encoder", "text_encoder_2", "unet", "unet", "text_encoder", "unet")
    assert made["text_encoder"].seen == [{"text_encoder"}] * 2
    assert made["text_encoder_2"].seen == [{"text_encoder_2"}]
    assert made["unet"].seen == [{"unet"}] * 3
    work(made, "vae")
    assert where(made["unet"]) == HOST, "the picture is decoded"
    assert torch.equal(numbers, before), "nothing was lost on the way"


def test_a_network_that_stays_is_there_while_its_encoders_come_and_leave() -> None:
    made = parts()
    place(made, "unet", placed("stays", "comes"), CARD)
    work(made, "text_encoder", "unet")
    assert made["text_encoder"].seen == [{"text_encoder", "unet"}]
    assert made["unet"].seen == [{"unet"}]


def test_where_all_stays_nothing_moves() -> None:
    made = parts()
    place(made, "unet", placed("stays", "stays"), CARD)
    work(made, "text_encoder", "unet")
    everything = {"text_encoder", "text_encoder_2", "unet"}
    assert made["text_encoder"].seen == made["unet"].seen == [everything]
