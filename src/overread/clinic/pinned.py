"""A route's package, if it is the one that clinic.yaml pins."""

from __future__ import annotations

from overread.clinic.config_parts import Route
from overread.runtime.package import Package
from overread.runtime.package_signature import check_pinned


def load_pinned(route: Route) -> Package:
    """The package of ``route``.

    Raises
    ------
    InputError
        No sound package, or not the one that ``package_sha256`` and ``signed_by`` ask for.
    """
    package = Package.load(route.package)
    check_pinned(package, sha256=route.package_sha256, signed_by=route.signed_by)
    return package
