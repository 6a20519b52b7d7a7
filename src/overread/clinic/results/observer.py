"""Who observed: this device (TID 1004, PS3.16)."""

from __future__ import annotations

from highdicom import sr

from overread.clinic.results.codes import plain
from overread.clinic.results.source import MANUFACTURER, MODEL, Run
from overread.clinic.results.uids import derived_uid
from overread.runtime.package import Package


def observer_of(package: Package, run: Run) -> sr.DeviceObserverIdentifyingAttributes:
    """The node and the package that answered, as one device."""
    return sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", run.serial_number),
        name=plain(f"{package.manifest.name} {package.manifest.version}", 64),
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=run.serial_number,
    )
