"""overread serve with a package that takes its time, so that a test can kill the process meanwhile.

Arguments: clinic.yaml, a file that is made when an analysis begins, seconds that it takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from overread.clinic.child import process
from overread.web.serve import serve

if __name__ == "__main__":
    config, begun, seconds = sys.argv[1:]
    process.COMMAND = (sys.executable, str(Path(__file__).with_name("slow_child.py")), begun, seconds)
    serve(Path(config))
