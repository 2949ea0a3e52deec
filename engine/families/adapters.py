"""IP-Adapters: a UNet attends to what an encoder sees of a picture, beside its text.

Source: Ye et al., arXiv 2308.06721; diffusers has its layers and their names.
"""

from __future__ import annotations

import copy
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from engine.contract.adapter_files import (
    ATTENTION,
    PROJECTION,
    adapter_path,
    encoder_folder,
    facts_of_adapter,
)
from engine.contract.errors import EngineError, ModelError, first_line
from engine.families.base import Model
from engine.families.loading import dtype_for
from engine.runtime.devices import give_memory_back, is_oom
from engine.runtime.following import Seen

_ATTENDS = ".attn2.processor"
"""How the names of the layers end that attend to something beside the picture."""
_PARTS = ("to_k_ip", "to_v_ip")
_KEPT_LOOKS = 64
_HOST = torch.device("cpu")


class PictureEye:
    """A CLIP that looks at pictures; it is on the device only while it looks."""

    def __init__(self, encoder: Any, device: torch.device) -> None:
        """Take over an encoder, a CLIPVisionModelWithProjection."""
        from transformers import CLIPImageProcessorPil

        self._encoder, self._device = encoder, device
        side = encoder.config.image_size
        self._processor = CLIPImageProcessorPil(size=side, crop_size=side)

    def look_at(self, picture: Tensor | None, *, in_parts: bool) -> Tensor:
        """Return what the encoder makes of a picture: (1, D), or (1, N, D) part by part.

        It sees the square in the middle, in its own size; None is nothing at all, as diffusers'
        pipelines have it.

        Shapes: picture (1, 3, H, W), bytes.
        """
        encoder = self._encoder
        if picture is None:
            if not in_parts:
                return torch.zeros((1, encoder.config.projection_dim), dtype=encoder.dtype)
            side = encoder.config.image_size
            pixels = torch.zeros((1, 3, side, side))
        else:
            image = Image.fromarray(picture[0].permute(1, 2, 0).contiguous().numpy())
            pixels = self._processor(image, return_tensors="pt").pixel_values
        try:
            return self._looked(pixels, self._device, in_parts=in_parts)
        except (RuntimeError, MemoryError) as error:
            if not is_oom(error) or self._device == _HOST:
                raise
        # Only here, where the error no longer holds what was brought over already.
        return self._looked(pixels, _HOST, in_parts=in_parts)

    def _looked(self, pixels: Tensor, device: torch.device, *, in_parts: bool) -> Tensor:
        try:
            encoder = self._encoder.to(device)
            seen = encoder(pixels.to(device, encoder.dtype), output_hidden_states=in_parts)
            found: Tensor = seen.hidden_states[-2] if in_parts else seen.image_embeds
            return found.cpu()
        finally:
            if device != _HOST:
                self._encoder.to(_HOST)
                give_memory_back(device)


class Adapter:
    """A loaded IP-Adapter: layers beside a UNet's, and what turns a look into their tokens."""

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        projection: nn.Module,
        eye: PictureEye,
        *,
        sees_parts: bool,
    ) -> None:
        """Take over layers, by the names of the UNet's processors that they stand beside."""
        self.layers = layers
        self._projection, self._eye, self._sees_parts = projection, eye, sees_parts
        self._looks: OrderedDict[bytes, Tensor] = OrderedDict()

    def look_at(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens of a picture, and those of none, (1, T, D) each; each looked at once.

        Shapes: picture (1, 3, H, W), bytes.
        """
        return self._tokens(picture), self._tokens(None)

    def _tokens(self, picture: Tensor | None) -> Tensor:
        key = b"" if picture is None else _digest(picture)
        if key not in self._looks:
            seen = self._eye.look_at(picture, in_parts=self._sees_parts)
            parameter = next(self._projection.parameters())
            self._looks[key] = self._projection(seen.to(parameter))
            while len(self._looks) > _KEPT_LOOKS:
                self._looks.popitem(last=False)
        self._looks.move_to_end(key)
        return self._looks[key]


def _digest(picture: Tensor) -> bytes:
    pixels = picture.contiguous().numpy()
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


@contextmanager
def following(unet: Any, references: Sequence[Seen]) -> Iterator[None]:
    """Have a UNet attend to pictures beside its text, and be as it was afterwards.

    The text is then a pair for it: its embedding, and the tokens of each picture.
    """
    plain = {}
    try:
        for name in references[0].adapter.layers if references else ():
            attention = unet.get_submodule(name.removesuffix(".processor"))
            plain[name] = attention, attention.processor
            attention.set_processor(_together(name, references))
        yield
    finally:
        for attention, processor in plain.values():
            attention.set_processor(processor)


def _together(name: str, references: Sequence[Seen]) -> nn.Module:
    """Return a processor that attends to several pictures, each as strongly as it counts."""
    layers = [one.adapter.layers[name] for one in references]
    processor: nn.Module = copy.copy(layers[0])
    if len(layers) > 1:
        processor._modules = {
            part: nn.ModuleList(getattr(layer, part)[0] for layer in layers) for part in _PARTS
        }
    vars(processor)["num_tokens"] = [one.values.shape[1] for one in references]
    vars(processor)["scale"] = [one.scale for one in references]
    return processor


def load_adapter(
    name: str, folder: Path, model: Model, eyes: MutableMapping[Path, PictureEye]
) -> Adapter:
    """Load an IP-Adapter for a model, and the encoder that sees for it, from safetensors only.

    `folder` is where a relative path starts; `eyes` are the encoders that are loaded already.

    Raises: EngineError of kind `model` where it cannot be loaded, or was made for another model; of
    kind `memory` where there is no room for it.
    """
    path, facts = adapter_path(name, folder), facts_of_adapter(name, folder)
    seeing = encoder_folder(path, facts)
    try:
        layers, projection = _layers(path, model)
        eye = eyes.get(seeing) or _eye(seeing, model)
    except EngineError:
        raise
    except Exception as error:
        if is_oom(error):
            message = f"the IP-Adapter {name} does not fit into memory beside the model"
            advice = "close other programs, choose a smaller model, or leave the reference out"
            raise EngineError(message, kind="memory", advice=advice) from error
        message = f"the IP-Adapter {name} cannot be loaded: {type(error).__name__}: "
        advice = "it is damaged, or made for another model: download it again, whole"
        raise ModelError(message + first_line(error), advice) from error
    eyes[seeing] = eye
    return Adapter(layers, projection, eye, sees_parts=facts.sees_parts)


def _eye(folder: Path, model: Model) -> PictureEye:
    from transformers import CLIPVisionModelWithProjection

    encoder = CLIPVisionModelWithProjection.from_pretrained(
        str(folder),
        dtype=dtype_for(model.family, model.device),
        use_safetensors=True,
        local_files_only=True,
    )
    encoder.eval().requires_grad_(False)
    return PictureEye(encoder, model.device.torch_device)


def _layers(path: Path, model: Model) -> tuple[dict[str, nn.Module], nn.Module]:
    """Return the layers of an IP-Adapter, by the UNet's, and its projection, on the device."""
    from diffusers.loaders.unet import UNet2DConditionLoadersMixin as Loaders
    from safetensors.torch import load_file

    unet, device = model.network, model.device.torch_device
    dtype = dtype_for(model.family, model.device)
    state: dict[str, dict[str, Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in load_file(str(path)).items():
        for start in (PROJECTION, ATTENTION):
            if key.startswith(start):
                state[start[:-1]][key.removeprefix(start)] = value.to(dtype)
    wanted = [name for name in unet.attn_processors if name.endswith(_ATTENDS)]
    found = sum(key.endswith("to_k_ip.weight") for key in state["ip_adapter"])
    if found != len(wanted):
        message = f"{path.name} has {found} layers, the model's network {len(wanted)} of its kind"
        raise ModelError(message, f"give one made for {model.family.title} models of this size")
    with torch.inference_mode(False):
        processors = Loaders._convert_ip_adapter_attn_to_diffusers(unet, [state])
        here: Any = SimpleNamespace(device=_HOST, dtype=dtype)
        projection = Loaders._convert_ip_adapter_image_proj_to_diffusers(here, state["image_proj"])
    parts = {name: processors[name] for name in wanted}
    for part in (*parts.values(), projection):
        part.eval().requires_grad_(False)
        part.to(device)
    return parts, projection
