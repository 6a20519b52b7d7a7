"""Where the cases come from, who they are, what was done to the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.regulatory.finished import Finished, check_of, record_of
from overread.regulatory.found import Found, Ref

DESCRIBED = ("Age", "Sex", "Site", "Scanner")


def findings(run: Finished, *codes: str) -> list[str]:
    """Messages of the cohort check whose code begins with one of ``codes``."""
    found = check_of(run).get("findings") or []
    return [
        str(f["message"])
        for f in found
        if isinstance(f, Mapping) and str(f.get("code", "")).startswith(codes)
    ]


def sources(run: Finished) -> Found:
    """What the table holds; its origin only people know."""
    cases = run.report["cases"]
    digest = run.report["evidence"]["cohort.csv (sha256sum)"]
    patients, images = (sum(c[k] for c in cases.values()) for k in ("patients", "images"))
    text = f"{images:,} images of {patients:,} patients, listed in cohort.csv (SHA-256 {digest})."
    lacking = (
        "where the data came from: institutions or public set, dates, licence, overlap with earlier work"
    )
    return Found((text,), (Ref("cases", "cases"), *run.row("pipeline.check", "check")), lacking)


def eligibility(run: Finished) -> Found:
    """The package's limits, and how many test images lie outside."""
    counted = run.report.get("counted") or {}
    limits = run.manifest.limits
    said = []
    if limits.age_years:
        said.append(
            f"Images of patients of {limits.age_years[0]:g} to {limits.age_years[1]:g} years are answered."
        )
    if limits.body_part:
        said.append(f"Body part: {', '.join(limits.body_part)}.")
    if counted:
        out = counted["images"] - counted["answered_images"]
        said.append(
            f"Of {counted['images']:,} test images {out} lay outside the input limits and were refused."
        )
    lacking = "by which criteria, in which order, patients and images came into the table, and how many were left out"
    return Found(
        tuple(said), (Ref("answered", "test/answered"), Ref("limits", "report.json: limits")), lacking
    )


def preprocessing(run: Finished) -> Found:
    """Every step from the stored image to the network's input, as the package repeats it."""
    p = run.manifest.preprocess
    said = [f"Colour: {p.color}; {p.dimensions} dimensions."]
    if p.orientation:
        said.append(f"Axes turned to {p.orientation}.")
    if p.spacing:
        said.append(f"Resampled to {' x '.join(f'{v:g}' for v in p.spacing)} mm.")
    if p.size:
        said.append(f"Brought to {' x '.join(map(str, p.size))} voxels by {p.fit}.")
    for channel, intensity in zip(run.manifest.channels, p.intensity, strict=False):
        said.append(
            f"Grey values of {channel.name}: {intensity.method}, mean {intensity.mean:g}, deviation {intensity.std:g}."
        )
    said.append("The package holds these steps and the clinic runs the same code.")
    return Found(
        tuple(said), (*run.row("pipeline.package", "package"), Ref("steps", "package.json: preprocess"))
    )


def parts_used(run: Finished) -> Found:
    """Patches and windows, or whole images."""
    plan, windows = run.report["plan"], run.manifest.windows
    if windows is None:
        text = "Whole images went into the network; nothing was cut out."
    else:
        share = (
            f", {plan['foreground_share']:.0%} of them around a label" if plan.get("foreground_share") else ""
        )
        patch = " x ".join(map(str, plan["patch"]))
        text = (
            f"Training saw patches of {patch} voxels drawn at random{share}; answers come from windows of "
            f"{' x '.join(map(str, windows.size))} voxels that overlap by {windows.overlap:.0%}, over the whole image."
        )
    return Found((text,), (Ref("plan", "report.json: plan/patch"), *run.row("pipeline.plan", "plan")))


def deidentification(run: Finished) -> Found:
    """Where the ledger has a de-identification."""
    event = next((e for e in reversed(run.events) if "deidentif" in e.kind), None)
    if event is None:
        return Found(
            lacking="how patient identity was removed, by which method or program, and who checked it"
        )
    return Found(
        (f"De-identified by overread (DICOM PS3.15 annex E) on {event.time[:10]}.",),
        run.row(event.kind, "de-identification"),
    )


def missing_data(run: Finished) -> Found:
    """The protocol's rules, and how many cases they met."""
    p, counted = run.protocol, run.report.get("counted") or {}
    said = [
        f"Findings that the table leaves empty count as: {p.get('missing', 'ignore')}; uncertain ones: "
        f"{p.get('uncertain', 'ignore')}.",
        "A case without image, label or patient is refused when the table is read; none was filled in.",
    ]
    if counted:
        out = counted["images"] - counted["answered_images"]
        rule = "count as wrong" if run.report.get("unanswered") == "wrong" else "are left out"
        said.append(
            f"{out} of {counted['images']:,} test images got no answer; they {rule}, both analyses are reported."
        )
    return Found(
        tuple(said),
        (Ref("rules", "protocol.yaml: missing, uncertain, unanswered"), Ref("answered", "test/answered")),
    )


def acquisition(run: Finished) -> Found:
    """What the images state: modality, sizes, spacing; scanners where the table has them."""
    said = [
        t[:1].upper() + t[1:].rstrip(".") + "."
        for t in findings(run, "image.modality", "image.size", "image.spacing", "image.note")
    ]
    scanner = [line for line in run.report.get("table_one") or [] if line["name"].startswith("Scanner")]
    said += [f"{line['name']}: {line['train']} training, {line['test']} test." for line in scanner]
    lacking = "" if scanner else "makers and models of the scanners, software, acquisition protocol"
    return Found(tuple(said), run.row("pipeline.check", "check"), lacking)


def characteristics(run: Finished) -> Found:
    """Table 1, by part."""
    lines = list(run.report.get("table_one") or [])
    said = [f"{x['name']}: training {x['train']}, tuning {x['val']}, test {x['test']}." for x in lines]
    absent = [k.lower() for k in DESCRIBED[:2] if not any(x["name"].startswith(k) for x in lines)]
    lacking = f"{' and '.join(absent)} of the patients: cohort.csv has no such columns" if absent else ""
    on = tuple(Ref(x["name"], f"table_one/{x['name']}") for x in lines)
    return Found(tuple(said), on, lacking)


def flow(run: Finished) -> Found:
    """Counts from the table to the analysed cases."""
    boxes = list(run.report.get("flow") or [])
    if boxes:
        said = [f"{b['box']}: {b['patients']:,} patients, {b['images']:,} images{_why(b)}." for b in boxes]
    else:
        names = {"train": "Training", "val": "Tuning", "test": "Test"}
        said = [
            f"{names[k]}: {c['patients']:,} patients, {c['images']:,} images."
            for k, c in run.report["cases"].items()
        ]
        counted = run.report.get("counted") or {}
        if counted:
            said.append(
                f"Answered in the test: {counted['answered_patients']:,} patients, "
                f"{counted['answered_images']:,} images."
            )
    return Found(tuple(said), (Ref("flow diagram", "report.html#flow"), Ref("cases", "cases")))


def _why(box: Mapping[str, Any]) -> str:
    return f" ({box['reason']})" if box.get("reason") else ""


def assignment(run: Finished) -> Found:
    """How cases went into the parts."""
    event = run.last("cohort.split") or run.last("pipeline.split")
    cases = run.report["cases"]
    counts = ", ".join(f"{k} {c['patients']:,}" for k, c in cases.items())
    how = (
        f"divided at random by patient on {event.time[:10]}"
        if event is not None
        else "as the column split of cohort.csv has it, which was fixed before planning"
    )
    on = (*run.row("cohort.sealed", "test patients fixed"), *run.row("pipeline.plan", "plan"))
    return Found((f"Patients by part: {counts}; {how}. Training, tuning and test.",), on)


def disjoint(run: Finished) -> Found:
    """The level at which parts do not overlap, and what the check found."""
    leaks = findings(run, "leakage.")
    said = [
        "Parts do not overlap at the level of patients (column patient); every image was compared with all others."
    ]
    said += leaks or ["No image of one part was found again, or nearly so, in another."]
    copies = run.report.get("without_copies")
    if copies and copies.get("row"):
        said.append(
            f"Without the {copies['images']} test images that have a copy: {copies['row']['estimate']:.3f} "
            f"({copies['row']['low']:.3f} to {copies['row']['high']:.3f})."
        )
    return Found(tuple(said), run.row("pipeline.check", "check"))


def sample_size(run: Finished) -> Found:
    """How large the test is and what it can prove, by the check before the test."""
    rows = [g for g in check_of(run).get("groups") or [] if g.get("attribute") == "all"]
    said = [
        f"{g['class']}: {g['test_patients']:,} test patients; a share of {g['found']} of them found would have a 95% "
        f"interval of {g['sensitivity_interval'][0]:.3f} to {g['sensitivity_interval'][1]:.3f}."
        for g in rows
        if g.get("sensitivity_interval")
    ]
    planned = [r for r in record_of(run, "lock").get("sample_size") or [] if r.get("power") is not None]
    if planned:
        said = [
            f"{r['hypothesis']} {r['test']} Needed {r['needed']:,} {r['of']} for a power of 80%; the test has "
            f"{r['here']:,}, a power of {r['power']:.0%}."
            for r in planned
        ] + said
        return Found(tuple(said), run.row("pipeline.lock", "size worked out at the lock"))
    lacking = "the planned size and how it was worked out (overread has the formulas in stats.power)"
    if said:
        said.append("The size was that of the data at hand; what it can prove was computed before the test.")
        lacking = ""
    return Found(tuple(said), run.row("pipeline.check", "check before the test"), lacking)


def population(run: Finished) -> Found:
    """Intended beside actual population."""
    rows = list(run.report.get("population") or [])
    said = [
        f"{x['name']}: intended {x['intended']}; found {x['actual']}. {x['verdict']}".strip() for x in rows
    ]
    lacking = "how the patients of the test resemble those meant to be served (age, sex, setting, frequency of disease)"
    return Found(tuple(said), tuple(Ref(x["name"], f"population/{x['name']}") for x in rows), lacking)
