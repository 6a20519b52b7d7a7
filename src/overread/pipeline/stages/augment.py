"""augment: what training will do to images, as a table and as a sheet of examples of the cohort's own images."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from overread.cohort.case import Case
from overread.errors import InputError
from overread.files import atomic_path, write_json, write_text
from overread.imaging.boxes import Boxes
from overread.imaging.picture import (
    best_slice,
    caption,
    fit_box,
    montage,
    overlay,
    png_bytes,
    upright,
    window_to_uint8,
)
from overread.pipeline.stages.plan import read_plan
from overread.pipeline.workspace import Workspace, console, progress

if TYPE_CHECKING:
    from overread.learn.augment.change import Change
    from overread.learn.plan import Plan

PIXELS = 220
COLUMNS = 6


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet: what it is, and the parameters that made it (None: as it is)."""

    title: str
    picture: NDArray[np.uint8]
    words: list[str]
    parameters: dict[str, Any] | None


def augment_stage(
    folder: Path, *, show: bool = False, cases: int = 2, draws: int = 5, out: Path | None = None
) -> None:
    """Print the ranges that plan.json draws from; with ``show`` draw augment.png, augment.html and augment.json.

    The sheet has for each of some training cases the image as the network sees it, ``draws`` examples of all changes
    together, and of each change alone; masks and boxes are changed with it. Only training cases are looked at.

    Raises InputError without a plan.json, or where there is no training case.
    """
    space = Workspace.open(folder)
    plan = read_plan(space.plan_file)
    _print_ranges(plan)
    if not show:
        return
    train = space.cohort().split("train")
    if not train:
        raise InputError(f"{folder / 'cohort.csv'}: found no training case, expected one to show")
    chosen = [train[i] for i in np.unique(np.linspace(0, len(train) - 1, min(cases, len(train))).astype(int))]
    rows: list[tuple[str, list[Tile]]] = []
    with progress("Drawing examples", len(chosen)) as advance:
        for case in chosen:
            rows.append((case.case, list(_tiles(case, plan, draws))))
            advance()
    where = out or folder / "augment"
    with atomic_path(where.with_suffix(".png")) as file:
        file.write_bytes(png_bytes(_sheet(rows)))
    write_text(where.with_suffix(".html"), _page(space.protocol.name, rows))
    write_json(
        where.with_suffix(".json"),
        {name: [{"title": t.title, "parameters": t.parameters} for t in tiles] for name, tiles in rows},
    )
    console.print(f"  {where.with_suffix('.html')}, .png and .json (every parameter)", highlight=False)


def _print_ranges(plan: Plan) -> None:
    from overread.learn.augment.describe import parts

    table = Table("change", "range", title="What training draws for each image")
    for name in parts(plan.augment):
        value = getattr(plan.augment, name, None) or plan.augment.grey_values.get(name)
        table.add_row(name, f"axes {value}" if isinstance(value, list) else f"{value:g}")
    for kind in ("mixup", "cutmix", "paste"):
        if getattr(plan.mix, kind):
            table.add_row(kind, f"{getattr(plan.mix, kind):g}, {plan.mix.share:.0%} of the images")
    console.print(table if table.row_count else "  Nothing is changed.", highlight=False)


def _tiles(case: Case, plan: Plan, draws: int) -> Iterator[Tile]:
    from overread.learn.augment.change import draw
    from overread.learn.augment.describe import first_drawn, parts, words

    sheet = _Case(case, plan)
    yield Tile("as it is", sheet.picture(None), [], None)
    together = [draw(plan.augment, plan.dimensions, seed=plan.seed, epoch=0, index=i) for i in range(draws)]
    for i, change in enumerate(together, 1):
        yield Tile(f"together {i}", sheet.picture(change), words(change), change.as_dict())
    for name, alone in parts(plan.augment).items():
        one = first_drawn(alone, plan.dimensions, seed=plan.seed, epoch=0)
        if one is not None:
            yield Tile(name.replace("_", " "), sheet.picture(one), words(one), one.as_dict())


class _Case:
    """A training case as the network sees it, and pictures of it changed."""

    def __init__(self, case: Case, plan: Plan) -> None:
        from overread.learn.augment.place import place_patch
        from overread.learn.data import prepare_case
        from overread.learn.store.entry import IMAGE

        prepared = prepare_case(case, plan)
        self._plan = plan
        self._image = np.asarray(prepared[IMAGE], np.float32)
        mask = prepared.get("mask")
        self._mask = None if mask is None else np.asarray(mask)
        self._boxes = (
            Boxes.of(prepared["low"], prepared["high"], prepared["labels"], axes=plan.dimensions)
            if "low" in prepared
            else None
        )
        spatial = self._image.shape[1:]
        centre = [n // 2 for n in spatial]
        if self._mask is not None and self._mask.any():
            found = np.argwhere(self._mask)
            centre = found[np.abs(found - found.mean(axis=0)).sum(axis=1).argmin()].tolist()
        elif self._boxes is not None and len(self._boxes):
            centre = [int(c) for c in self._boxes.centre[0]]
        self._start = place_patch(spatial, plan.patch, centre)
        color = plan.preprocess.color == "rgb"
        self._shown = slice(None) if color else slice(-1, None)
        # Of each channel its own: those of a colour picture are standardised each by itself.
        axes = tuple(range(1, self._image.ndim))
        self._windows = np.percentile(self._image[self._shown], [0.5, 99.5], axis=axes).T.tolist()
        self._slice: int | None = None

    def picture(self, change: Change | None) -> NDArray[np.uint8]:
        """Of a volume the slice with most of the label, or the middle one: the same of every change.

        The window is that of the image as it is, or changes of brightness would not be seen.
        """
        from overread.learn.augment.boxes import apply_boxes
        from overread.learn.augment.change import Change, apply
        from overread.learn.augment.spatial import Spatial

        d, size = self._plan.dimensions, tuple(self._plan.patch)
        change = change or Change(Spatial(np.eye(d).tolist(), [0.0] * d))
        spacing = self._plan.preprocess.spacing
        image, mask = apply(change, self._image, self._mask, size=size, start=self._start, spacing=spacing)
        labels = None if mask is None else mask.numpy()
        if self._boxes is not None:
            moved = apply_boxes(change.spatial, self._boxes, size, start=self._start, spacing=spacing).boxes
            labels = _outlined(moved, size)
        planes = image.numpy()[self._shown]
        if d == 3:
            if self._slice is None:
                self._slice = best_slice(labels > 0) if labels is not None and labels.any() else size[2] // 2
            affine = np.diag([*(spacing or [1.0] * d), 1.0])
            planes = np.stack([upright(p[..., self._slice], affine) for p in planes])
            labels = None if labels is None else upright(labels[..., self._slice], affine)
        gray = [
            window_to_uint8(p, low=low, high=high)
            for p, (low, high) in zip(planes, self._windows, strict=True)
        ]
        base = fit_box(np.stack(gray, axis=-1) if len(gray) == 3 else gray[-1], PIXELS, pad=True)
        if labels is None:
            return base
        return overlay(base, fit_box(labels.astype(np.uint8), PIXELS, labels=True, pad=True), alpha=0.2)


def _outlined(boxes: Boxes, size: Sequence[int]) -> NDArray[np.uint8]:
    """Boxes as a label map, filled."""
    out = np.zeros(size, np.uint8)
    cut = boxes.clipped(size)
    for low, high, label in zip(
        np.floor(cut.low).astype(int), np.ceil(cut.high).astype(int), cut.labels, strict=True
    ):
        out[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = label + 1
    return out


def _sheet(rows: Sequence[tuple[str, Sequence[Tile]]]) -> NDArray[np.uint8]:
    """Every case on lines of its own, pictures at the top of each line and what was done below them."""
    lines = []
    for _, tiles in rows:
        for first in range(0, len(tiles), COLUMNS):
            some = [
                caption(t.picture, "\n".join([t.title, *t.words]), size=12)
                for t in tiles[first : first + COLUMNS]
            ]
            height = max(t.shape[0] for t in some)
            some += [np.zeros((height, PIXELS, 3), np.uint8)] * (COLUMNS - len(some))
            lines.append(montage([np.pad(t, ((0, height - len(t)), (0, 0), (0, 0))) for t in some], COLUMNS))
    return np.concatenate([np.pad(line, ((0, 8), (0, 0), (0, 0))) for line in lines])


def _page(name: str, rows: Sequence[tuple[str, Sequence[Tile]]]) -> str:
    """One file, pictures inside."""
    body = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>Augmentation of {html.escape(name)}</title>",
        "<style>body{font:14px system-ui,sans-serif;background:#111;color:#eee;margin:2em}"
        "section{display:flex;flex-wrap:wrap;gap:12px}figure{margin:0;width:220px}"
        "figcaption{padding:4px 0}small{color:#bbb}pre{white-space:pre-wrap;color:#bbb}</style>",
        f"<h1>Augmentation of {html.escape(name)}</h1>",
        "<p>Training images as the network sees them, changed as training changes them. Research use only.</p>",
    ]
    for case, tiles in rows:
        body.append(f"<h2>{html.escape(case)}</h2><section>")
        for tile in tiles:
            picture = base64.b64encode(png_bytes(tile.picture)).decode()
            said = "<br>".join(html.escape(w) for w in tile.words)
            body.append(
                f"<figure><img alt='{html.escape(tile.title)}' src='data:image/png;base64,{picture}'>"
                f"<figcaption><b>{html.escape(tile.title)}</b><br><small>{said}</small></figcaption></figure>"
            )
        body.append("</section>")
    return "\n".join([*body, "</html>", ""])
