"""overread serve on a disk that is full while a file is there. Arguments: clinic.yaml, that file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from overread.web.serve import serve

if __name__ == "__main__":
    config, full = (Path(a) for a in sys.argv[1:])
    real = os.statvfs

    def statvfs(path: Any) -> os.statvfs_result:
        """As the system says, but for the free blocks."""
        there = real(path)
        return os.statvfs_result((*there[:3], 0, 0, *there[5:])) if full.exists() else there

    os.statvfs = statvfs
    serve(config)
