"""How fast and how frugal the engine is, always beside something that runs in the same process."""

import os

# Before the library is imported: it remarks on packages that no job needs.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
