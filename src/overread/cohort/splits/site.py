"""Splits that keep a site whole, so that the test asks about places never seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from overread.cohort.splits.patient import by_patient, in_hash_order, shares
from overread.errors import InputError


def leave_sites_out(
    patients: Iterable[str],
    sites: Mapping[str, Iterable[str]],
    test: Collection[str],
    *,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    current: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Patients ever seen at a site of ``test`` are the test; the others are train and val by hash.

    Needs no memory, except that a patient of the training who later turns up at a test site would have to move:
    that is refused where ``current`` shows it.

    Raises InputError for a site that nobody was seen at, and for such a patient.
    """
    seen = {p: set(sites.get(p, ())) for p in dict.fromkeys(patients)}
    missing = [s for s in test if not any(s in found for found in seen.values())]
    if missing:
        known = sorted({s for found in seen.values() for s in found})
        raise InputError(f"site: nobody was seen at {missing[0]!r}; the sites are {', '.join(known[:10])}")
    share, out, had = shares(fractions), dict[str, str](), current or {}
    two = {"train": share["train"], "val": share["val"], "test": 0.0}
    total = sum(two.values())
    inside = by_patient(seen, fractions={k: v / total for k, v in two.items()}, seed=seed)
    for p, found in seen.items():
        wanted = "test" if found & set(test) else inside[p]
        if had.get(p) and (had[p] == "test") != (wanted == "test"):
            raise InputError(
                f"site: patient {p!r} is in {had[p]}, and in {wanted} by site; leave these rows out, or start anew"
            )
        out[p] = had.get(p) or wanted
    return out


def by_site(
    patients: Iterable[str],
    sites: Mapping[str, Iterable[str]],
    *,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    current: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Whole sites go to one split each, the largest first, so that shares are met as nearly as sites allow.

    Sites that share a patient go together. ``current`` is kept: new patients follow their site and new sites go
    where patients are short.

    Raises InputError for fewer than three (groups of) sites, a patient without one, or a patient that joins
    sites of different splits.
    """
    return whole_groups(list(dict.fromkeys(patients)), sites, shares(fractions), seed, current or {})


def whole_groups(
    patients: Collection[str],
    sites: Mapping[str, Iterable[str]],
    share: Mapping[str, float],
    seed: int,
    current: Mapping[str, str],
) -> dict[str, str]:
    """Part of every patient, with every group of sites in one part."""
    group = _groups(patients, sites)
    members: dict[str, list[str]] = defaultdict(list)
    for p in patients:
        members[group[p]].append(p)
    part_of: dict[str, str] = {}
    for p in patients:
        had = current.get(p)
        if had and part_of.setdefault(group[p], had) != had:
            raise InputError(
                f"site: {group[p]!r} and the sites that share patients with it are in {part_of[group[p]]} and in "
                f"{had} (patient {p!r}); leave the joining rows out, or start anew"
            )
    if len(members) < len(share):
        raise InputError(
            f"site: found {len(members)} (groups of) sites that share no patient, expected {len(share)} or more: "
            f"{', '.join(sorted(members)[:5])}"
        )
    counts = Counter(dict.fromkeys(share, 0))
    for name, part in part_of.items():
        counts[part] += len(members[name])
    total = len(patients)
    order = in_hash_order((g for g in members if g not in part_of), seed)
    order.sort(key=lambda g: -len(members[g]))
    for n, name in enumerate(order):
        empty = [part for part in share if part not in part_of.values()]
        choice = empty if 0 < len(empty) >= len(order) - n else list(share)
        part_of[name] = max(choice, key=lambda s: share[s] * total - counts[s])
        counts[part_of[name]] += len(members[name])
    return {p: part_of[group[p]] for p in patients}


def _groups(patients: Collection[str], sites: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Per patient the name of the group of sites that patients join together (its first by name)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for p in patients:
        found = sorted(set(sites.get(p, ())) - {""})
        if not found:
            raise InputError(f"site: patient {p!r} has none; fill the column, or split otherwise")
        for name in found:
            parent.setdefault(name, name)
            first, second = sorted((root(found[0]), root(name)))
            parent[second] = first
    return {p: root(min(set(sites[p]) - {""})) for p in patients}
