"""What the panel does, as functions for scripts and for the command line.

Import it as the module `scripting` of the extension, for example with
`from bl_ext.user_default.mixdiff import scripting`; see docs/scripting.md.

Every function takes the scene that is worked on unless it is given another one, by itself or by
its name, and raises `EngineError` with what is wrong and what to do.
"""

from ..contract import EngineError, JobError
from ..job.frames import ShotFrames
from ..job.overrides import Overrides
from .pictures import Frame, Picture, Shot, again, enlarge, generate, generate_range, write_passes
from .projections import Baked, bake
from .scenes import (
    Region,
    explain,
    export_job,
    find_scene,
    job,
    mark,
    presets,
    problems,
    regions,
    save_preset,
    unmark,
    use_preset,
    write_control,
)

__all__ = (
    "Baked",
    "EngineError",
    "Frame",
    "JobError",
    "Overrides",
    "Picture",
    "Region",
    "Shot",
    "ShotFrames",
    "again",
    "bake",
    "enlarge",
    "explain",
    "export_job",
    "find_scene",
    "generate",
    "generate_range",
    "job",
    "mark",
    "presets",
    "problems",
    "regions",
    "save_preset",
    "unmark",
    "use_preset",
    "write_control",
    "write_passes",
)
