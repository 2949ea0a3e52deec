"""Keeps the libraries' own progress bars and remarks out of the engine's output."""

from __future__ import annotations

import logging
import warnings


def silence_libraries() -> None:
    """Let diffusers and transformers speak of errors alone."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"(diffusers|transformers|torch)\b.*")
    logging.getLogger("diffusers").setLevel(logging.ERROR)
