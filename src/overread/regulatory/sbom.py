"""Software bill of materials: what is installed with overread, as CycloneDX 1.6 (ECMA-424) in JSON."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution

from overread.files import sha256_bytes

DEPENDENCY = re.compile(r"^\s*([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?[^;]*(?:;(.*))?$")


def installed(root: str = "overread") -> dict[str, Distribution]:
    """``root`` and all that it needs, as far as it is installed here, by normalised name."""
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            # Of another platform or an extra that is not here.
            continue
        for text in found[name].requires or []:
            match = DEPENDENCY.match(text)
            # What an extra asks for is listed where it is installed, which its own metadata cannot tell.
            if match and (name == root or "extra" not in (match[3] or "")):
                waiting.append(match[1])
    return dict(sorted(found.items()))


def normal(name: str) -> str:
    """A project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def sbom() -> str:
    """CycloneDX JSON; the same installation gives the same bytes."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    found = installed()
    components = {}
    for name, dist in found.items():
        kind = ComponentType.APPLICATION if name == "overread" else ComponentType.LIBRARY
        licence = licence_of(dist)
        components[name] = Component(
            name=name,
            version=dist.version,
            type=kind,
            bom_ref=f"{name}@{dist.version}",
            purl=PackageURL("pypi", None, name, dist.version),
            licenses=[DisjunctiveLicense(name=licence)] if licence else None,
        )
    bom = Bom(components=[c for n, c in components.items() if n != "overread"])
    bom.metadata.component = components["overread"]
    for name, dist in found.items():
        needs = {m[1] for text in dist.requires or [] if (m := DEPENDENCY.match(text))}
        below = [components[n] for n in sorted({normal(x) for x in needs}) if n in components and n != name]
        bom.register_dependency(components[name], below)
    listed = "\n".join(f"{n} {d.version}" for n, d in found.items())
    bom.serial_number = uuid.UUID(bytes=bytes.fromhex(sha256_bytes(listed.encode())[:32]), version=5)

    # No time: the file names an installation, whenever it is written.
    bom.metadata.timestamp = datetime(1970, 1, 1, tzinfo=UTC)
    return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2))


def licence_of(dist: Distribution) -> str:
    """The licence that a project states, in a few words; empty where it states none."""
    meta = dist.metadata
    stated = _field(meta, "License-Expression")
    if not stated:
        trove = [c.split(" :: ")[-1] for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
        stated = " or ".join(c for c in trove if c != "OSI Approved")
    if not stated:
        stated = _field(meta, "License").strip().split("\n")[0]
    return stated[:120]


def _field(meta: PackageMetadata, name: str) -> str:
    return str(meta[name]) if name in meta else ""
