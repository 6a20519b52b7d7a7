"""A package that answers otherwise never bears the number of the one before."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.models import manifest, mean_classifier

from overread.pipeline.stages.package import _numbered
from overread.runtime.manifest import Manifest, OperatingPoint
from overread.runtime.package import Package, write_package

ONE, OTHER = mean_classifier(2), mean_classifier(2, gain=5.0)


def test_other_weights_or_thresholds_get_another_version(tmp_path: Path) -> None:
    path = tmp_path / "tiny.overread"

    def packaged(made: Manifest, model: bytes) -> str:
        draft = Package(path, made, model)
        return write_package(path, _numbered(made, draft, path), model).manifest.version

    assert packaged(manifest(), ONE) == "1.0"
    assert packaged(manifest(), ONE) == "1.0"
    assert packaged(manifest(), OTHER) == "1.0+1"
    assert packaged(manifest(), OTHER) == "1.0+1"
    point = {"abnormal": OperatingPoint(rule="youden", threshold=0.4)}
    assert packaged(manifest(operating_points=point), OTHER) == "1.0+2"
    # The person states a number of their own.
    assert packaged(manifest(version="1.1", operating_points=point), ONE) == "1.1"
