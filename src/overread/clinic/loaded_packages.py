"""The packages that a configuration names, loaded when they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.clinic.config import ClinicConfig
from overread.clinic.pinned import load_pinned
from overread.runtime.package import Package


class Packages(Mapping[str, Package]):
    """The configured packages by their hash, each loaded when it is first asked for."""

    def __init__(self, config: ClinicConfig) -> None:
        self._routes = list({r.package: r for r in config.routes}.values())
        self._loaded: dict[str, Package] = {}

    def __getitem__(self, sha256: str) -> Package:
        while sha256 not in self._loaded and self._routes:
            package = load_pinned(self._routes.pop(0))
            self._loaded[package.sha256] = package
        return self._loaded[sha256]

    def __iter__(self) -> Any:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)
