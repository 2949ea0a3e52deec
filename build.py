"""The verbs of the project; `build.py --help` lists them. This file parses under any Python."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "build.py needs Python 3.11 or newer, and %s is Python %d.%d; run it with a newer one, "
        "for example `python3.11 build.py %s`."
        % (sys.executable, sys.version_info[0], sys.version_info[1], " ".join(sys.argv[1:]))
    )

if __name__ == "__main__":
    from building.verbs import main

    sys.exit(main(sys.argv[1:]))
