"""The child process of `slow_serve`, or one that falls over: arguments are a file that is made when an analysis
begins, and how many seconds it takes, or ``die``, ``hang`` or ``grow``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from overread.clinic.child.main import main
from overread.imaging.image import Image
from overread.runtime import predict as runtime
from overread.runtime.package import Package
from overread.runtime.prediction import Prediction

begun, how = Path(sys.argv[1]), sys.argv[2]
real = runtime.predict


def slow(package: Package, image: Image, **options: Any) -> Prediction:
    """The real answer, later, or none."""
    begun.write_text(f"{begun.read_text() if begun.exists() else ''}{os.getpid()}\n")
    match how:
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            # As a library that holds the interpreter's lock for ever: no thread of Python's runs any more.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            time.sleep(86400)
        case "grow":
            held = []
            while True:
                held.append(bytearray(os.urandom(1 << 20)) * 8)
        case seconds:
            time.sleep(float(seconds))
    return real(package, image, **options)


runtime.predict = slow
main()
