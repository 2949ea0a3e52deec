"""Fetches models from the hub into its normal cache: needed files only, safetensors only."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from engine.contract.adapter_files import AdapterFacts, facts_of_shapes, is_adapter
from engine.contract.adapters import ADAPTERS_ID
from engine.contract.catalogue import cache_folder, folder_in_cache, is_hub_id, local_snapshot
from engine.contract.controlnets import CLASSES, CONFIG, STEM, local_controlnet
from engine.contract.errors import EngineError, ModelError, first_line
from engine.contract.families import Family, family_of_pipeline, family_titles
from engine.contract.foreign_models import Foreign, foreign_class
from engine.contract.job import BUNDLED_MODEL
from engine.contract.lora_files import hub_lora, is_lora
from engine.contract.model_folders import INDEX, VARIANTS, foreign_parts, read_object
from engine.contract.weights import PICKLES, WEIGHTS

_SMALL = (".json", ".txt", ".model", ".jinja")
_HALF = tuple(f".{variant}" for variant in VARIANTS)
_MOST_NAMED = 5
_LOGIN_HELP = (
    "then log in with `hf auth login`, or put a token into the variable HF_TOKEN; "
    "it is never stored by MixDiff"
)


def needed_files(
    names: Collection[str], id_: str, family: Family, *, without_network: bool = False
) -> list[str]:
    """Return the files that are loaded: those that say what it is first, its index last.

    `without_network` leaves out the weights of the network.

    Raises: EngineError of kind `model` where weights are missing, or are pickles.
    """
    settings, wanted = [], []
    for part in family.parts:
        inside = [name for name in names if name.startswith(f"{part}/")]
        settings += [name for name in inside if name.endswith(_SMALL)]
        if without_network and part == family.network:
            continue
        weights = [name for name in inside if name.endswith(".safetensors")]
        plain = [name for name in weights if name.count(".") == 1]  # no .fp16 or .non_ema
        half = next((one for sign in _HALF if (one := [n for n in weights if sign in n])), [])
        chosen = half or plain if family.prefers_half else plain or half
        if part in family.weighted_parts and not chosen:
            raise _unusable(id_, part, any(name.endswith(PICKLES) for name in inside))
        wanted += chosen
    return [*settings, *wanted, INDEX]  # once it is there, so is all the rest


def is_controlnet(info: Any, id_: str, names: Collection[str]) -> bool:
    """Return whether a repository of the hub is a ControlNet that is run here.

    Raises: EngineError of kind `model` where it is one that is not.
    """
    from huggingface_hub import hf_hub_download

    if INDEX in names or CONFIG not in names:
        return False
    with tempfile.TemporaryDirectory(prefix="mixdiff-config-") as folder:
        hf_hub_download(id_, CONFIG, revision=info.sha, local_dir=folder)
        class_name = str(read_object(Path(folder) / CONFIG).get("_class_name"))
    if "ControlNet" in class_name and class_name not in CLASSES:
        advice = f"choose one of the classes: {', '.join(CLASSES)}"
        raise ModelError(f"{id_} is a {class_name}, which is not run here", advice)
    return class_name in CLASSES


def controlnet_files(names: Collection[str], id_: str) -> list[str]:
    """Return the files of a ControlNet that are loaded, its settings last.

    Weights in half precision, where there are such; those that lie beside under other names are
    other ControlNets.

    Raises: EngineError of kind `model` where there are none, or pickles alone.
    """
    inside = [name for name in names if name.startswith(STEM) and "/" not in name]
    weights = [name for name in inside if name.endswith(".safetensors")]
    plain = [n for n in weights if n == f"{STEM}.safetensors" or n.startswith(f"{STEM}-")]
    half = [name for name in weights if name.startswith(f"{STEM}{_HALF[0]}")]
    chosen = half or plain
    if not chosen:
        raise _unusable(id_, "ControlNet", any(name.endswith(PICKLES) for name in inside))
    indices = [name for name in inside if name.endswith(".index.json")]
    return [*indices, *chosen, CONFIG]


def _unusable(id_: str, part: str, has_pickle: bool) -> ModelError:
    if has_pickle:
        return ModelError(
            f"{id_} has its {part} as a pickle alone, which can run code when loaded",
            "choose a model with .safetensors weights, or convert it",
        )
    return ModelError(
        f"{id_} has no weights for its {part}",
        f"choose a {family_titles()} model with .safetensors weights",
    )


def _family_of(info: Any, id_: str, names: Collection[str]) -> Family:
    """Return the family of a model on the hub: as the hub says, or as its index does.

    Raises: EngineError of kind `model` where it is of no known one.
    """
    from huggingface_hub import hf_hub_download

    advice = f"choose a {family_titles()} model in diffusers' format"
    if INDEX not in names:
        raise ModelError(f"{id_} is not in diffusers' format (it has no {INDEX})", advice)
    found = ((getattr(info, "config", None) or {}).get("diffusers") or {}).get("_class_name")
    if found is None:
        with tempfile.TemporaryDirectory(prefix="mixdiff-index-") as folder:
            # Not into the cache: there it comes last, as the sign that all the rest is there.
            hf_hub_download(id_, INDEX, revision=info.sha, local_dir=folder)
            found = read_object(Path(folder) / INDEX).get("_class_name")
    family = family_of_pipeline(str(found))
    if family is None:
        raise _is(id_, foreign_class(str(found)))
    return family


def _is(id_: str, foreign: Foreign) -> ModelError:
    return ModelError(f"{id_} is {foreign.title}", foreign.remedy)


def download(
    id_: str, on_progress: Callable[[int, int], None], *, without_network: bool = False
) -> Path:
    """Fetch what of a model is not here yet, and return its folder; a cut is taken up again.

    Of a LoRA's repository it is one file, the only one or the one that is named as well, and the
    file that is returned. Of IP-Adapters it is the one that is named, with the encoder of pictures
    that sees for it.
    `without_network` leaves out the weights of its network, which lie in a file of their own.

    `on_progress` gets the bytes done and the bytes in all. It may raise to end the download.

    Raises: EngineError of kind `model` or `network`.
    """
    from huggingface_hub import HfApi, hf_hub_download

    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # its own transfers cannot be ended midway
    id_, named = hub_lora(id_) or (id_, "")
    _require_hub_id(id_)
    try:
        info = HfApi().model_info(id_, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        is_control = not named and is_controlnet(info, id_, sizes)
        if named and (adapter := _adapter_in(info, id_, named)):
            return _download_adapter(info, id_, named, adapter, on_progress)
        if not is_control and (lora := _lora_file(info, id_, sizes, named)):
            return _download_files([(info, lora)], on_progress)[0]
        if is_control:
            family, wanted = None, controlnet_files(sizes, id_)
        else:
            family = _family_of(info, id_, sizes)
            wanted = needed_files(sizes, id_, family, without_network=without_network)
        settings = [name for name in wanted[:-1] if name.endswith(_SMALL)]
        total, before = sum(sizes[name] for name in wanted), 0
        for name in wanted:

            def notify(done: int, start: int = before, most: int = sizes[name]) -> None:
                on_progress(start + min(done, most), total)

            path = hf_hub_download(id_, name, revision=info.sha, tqdm_class=_bar_that(notify))
            if family is not None and [name] == settings[-1:]:
                snapshot = Path(path.removesuffix(name))
                if foreign := foreign_parts(snapshot, family):
                    raise _is(id_, foreign)
            before += sizes[name]
            on_progress(before, total)
    except (EngineError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise _explained(id_, error) from error
    if without_network:
        return Path(path).parent  # the index, which comes last
    cache = cache_folder(os.environ)
    found = local_snapshot(id_, cache) if family else local_controlnet(id_, cache)
    if found is None:
        message = f"model: {id_} did not arrive whole"
        raise EngineError(message, kind="network", advice="download it again")
    return found


def _lora_file(info: Any, id_: str, sizes: Collection[str], named: str) -> str:
    """Return which file is meant of a LoRA's repository; nothing of a model's.

    Raises: EngineError of kind `model` where it is not there, is no LoRA, or is one of several.
    """
    from huggingface_hub import HfApi

    if not named and INDEX in sizes:
        return ""
    files = [name for name in sizes if name.endswith(WEIGHTS) and "/" not in name]
    if named and named not in sizes:
        near = f"name one of: {', '.join(files[:_MOST_NAMED])}" if files else "look at its page"
        raise ModelError(f"{id_} has no file {named!r}", near)
    if not named and len(files) > 1:
        several = ", ".join(files[:_MOST_NAMED])
        raise ModelError(
            f"{id_} holds several files, of which one is to be fetched: {several}",
            f"name it: {id_}/FILE",
        )
    for file in [named] if named else files:
        told = HfApi().parse_safetensors_file_metadata(id_, file, revision=info.sha)
        if is_lora(told.tensors):
            return file
    if named:
        message = f"{id_}/{named} is no LoRA, and no IP-Adapter"
        raise ModelError(message, "name one, or give the model's id alone")
    return ""


def _adapter_in(info: Any, id_: str, named: str) -> AdapterFacts | None:
    """Return what a file is that is an IP-Adapter, None where it is something else, or not there.

    Raises: EngineError of kind `model` where it is one that does not run.
    """
    from huggingface_hub import HfApi

    if not any(file.rfilename == named for file in info.siblings or []):
        return None
    told = HfApi().parse_safetensors_file_metadata(id_, named, revision=info.sha)
    if not is_adapter(told.tensors):
        return None
    shapes = {name: tuple(tensor.shape) for name, tensor in told.tensors.items()}
    return facts_of_shapes(shapes, f"{id_}/{named}")


def _download_adapter(
    info: Any, id_: str, named: str, facts: AdapterFacts, on_progress: Callable[[int, int], None]
) -> Path:
    from huggingface_hub import HfApi

    wanted, encoder = [(info, named)], facts.encoder
    if encoder is not None:
        other = info if id_ == ADAPTERS_ID else HfApi().model_info(ADAPTERS_ID, files_metadata=True)
        wanted += [(other, file) for file in encoder.files]
    return _download_files(wanted, on_progress)[0]


def _download_files(
    wanted: Sequence[tuple[Any, str]], on_progress: Callable[[int, int], None]
) -> list[Path]:
    """Fetch files, each of a repository of the hub as it was looked up."""
    from huggingface_hub import hf_hub_download

    sizes = [
        next((one.size or 0 for one in info.siblings if one.rfilename == name), 0)
        for info, name in wanted
    ]
    paths, before, total = [], 0, sum(sizes)
    for (info, name), size in zip(wanted, sizes, strict=True):

        def notify(done: int, start: int = before, most: int = size) -> None:
            on_progress(start + min(done, most), total)

        bar = _bar_that(notify)
        paths.append(Path(hf_hub_download(info.id, name, revision=info.sha, tqdm_class=bar)))
        before += size
        on_progress(before, total)
    return paths


def _bar_that(notify: Callable[[int], None]) -> Any:
    """Return a progress bar's class that shows nothing and reports its count."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            named.pop("name", None)
            super().__init__(*arguments, **{**named, "disable": True})
            self._count = int(named.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self._count += int(n or 0)
            notify(self._count)
            return None

    return Bar


def remove(id_: str) -> int:
    """Remove a model from the hub's cache, and return how many bytes are free again.

    Raises: EngineError of kind `model` where it is not there, of kind `disk` where it must stay.
    """
    _require_hub_id(id_)
    folder = folder_in_cache(id_, cache_folder(os.environ))
    if not folder.is_dir():
        raise ModelError(f"{id_} is not on this computer", "nothing is to be done")
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise EngineError(
            f"model: {error.filename or folder} cannot be removed: {error.strerror or error}",
            kind="disk",
            advice="end what uses it, allow writing there, and try again",
        ) from error
    return size


def _require_hub_id(id_: str) -> None:
    if id_ == BUNDLED_MODEL:
        raise ModelError(f"{id_} comes with the engine and goes with it", "nothing is to be done")
    if not is_hub_id(id_):
        raise ModelError(f"{id_!r} is no hub id", "give one such as owner/name")


def _explained(id_: str, error: Exception) -> EngineError:
    from huggingface_hub import errors

    page = f"{os.environ.get('HF_ENDPOINT') or 'https://huggingface.co'}/{id_}"
    text = first_line(error)
    match error:
        case errors.GatedRepoError():
            message = f"{id_} asks for consent to its terms first"
            return ModelError(message, f"agree on {page}, {_LOGIN_HELP}")
        case errors.RepositoryNotFoundError():
            message = f"the hub has no {id_}, or shows it to those alone who may see it"
            return ModelError(message, f"look at {page}; {_LOGIN_HELP}")
        case errors.HFValidationError():
            return ModelError(f"{id_!r} is no hub id: {text}", "give one such as owner/name")
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            message = f"model: the disk is full: {text}"
            return EngineError(message, kind="disk", advice="make room, then download again")
        case OSError(errno=errno.EROFS | errno.EACCES | errno.EPERM):
            message = f"model: the hub's cache cannot be written: {text}"
            advice = "allow writing there, or name another folder in the variable HF_HUB_CACHE"
            return EngineError(message, kind="disk", advice=advice)
        case errors.HfHubHTTPError(response=response) if response.status_code in (401, 403):
            return ModelError(f"the hub refuses {id_}: {text}", f"open {page}, {_LOGIN_HELP}")
    return EngineError(
        f"model: {id_} cannot be downloaded: {text}",
        kind="network",
        advice="download it again: what has arrived is kept",
    )
