"""overread serve with a package that takes its time, so that a test can kill the process meanwhile.

Arguments: clinic.yaml, a file that is made when an analysis begins, seconds that it takes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from overread.imaging.image import Image
from overread.runtime import predict as runtime
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction
from overread.web.serve import serve

config, begun, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
real = runtime.predict


def slow(package: Package, image: Image) -> Prediction:
    """The real answer, later."""
    begun.touch()
    time.sleep(seconds)
    return real(package, image)


runtime.predict = slow
serve(config)
