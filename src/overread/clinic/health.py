"""How the node does: for health checks, for Prometheus, and for those who are to be alarmed.

Nothing here names a patient: labels are states, destinations and routes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from overread.clinic.tables import DeliveryState, RunRow, StudyRow

GIBIBYTE = 2**30


@dataclass(frozen=True)
class Latency:
    """Seconds from the last image of a study to the first result at a destination: how many, median, 95th percentile.

    Both are None without studies; ``low`` and ``high`` are the 95% interval of the median by order statistics.
    """

    count: int
    median: float | None = None
    p95: float | None = None
    low: float | None = None
    high: float | None = None


def seconds_to_notification(studies: Sequence[StudyRow]) -> list[float]:
    """Of each study that has been delivered somewhere: seconds from its last image to the first delivery."""
    found = []
    for study in studies:
        ends = [d.updated for r in study.runs for d in r.deliveries if d.state is DeliveryState.DELIVERED]
        if ends and study.last_received:
            waited = datetime.fromisoformat(min(ends)) - datetime.fromisoformat(study.last_received)
            found.append(max(0.0, waited.total_seconds()))
    return found


def latency(seconds: Sequence[float]) -> Latency:
    """Median and 95th percentile, with the interval of the median (Hahn and Meeker 1991, section 5.2)."""
    if not seconds:
        return Latency(0)
    from scipy.stats import binom

    ordered = np.sort(np.asarray(seconds, float))
    count = len(ordered)
    lower = int(binom.ppf(0.025, count, 0.5))
    low, high = ordered[max(0, lower - 1)], ordered[min(count - 1, count - lower)]
    return Latency(
        count, float(np.median(ordered)), float(np.percentile(ordered, 95)), float(low), float(high)
    )


def metrics_text(
    counts: Mapping[str, int],
    waiting: Mapping[str, int],
    times: Sequence[float],
    *,
    free_bytes: int,
    trouble: str,
    hosts: int,
    dead: Sequence[RunRow] = (),
) -> bytes:
    """The Prometheus text format: studies by state, deliveries waiting by destination, disk, latency, health."""
    from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, words: str, values: Mapping[str, float], label: str = "") -> None:
        made = Gauge(f"overread_{name}", words, [label] if label else [], registry=registry)
        for key, value in values.items():
            (made.labels(key) if label else made).set(value)

    gauge("studies", "Studies by state", dict(counts), "state")
    gauge("deliveries_waiting", "Results not yet with their destination", dict(waiting), "destination")
    gauge("disk_free_bytes", "Free bytes of the node's disk", {"": float(free_bytes)})
    gauge("up", "1 while the node can do its work", {"": float(not trouble)})
    gauge("hosts", "Processes that share the work", {"": float(hosts)})
    gauge("dead_letters", "Runs that failed and wait for a person", {"": float(len(dead))})
    buckets = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, float("inf"))
    histogram = Histogram(
        "overread_notification_seconds",
        "From the last image of a study to its first delivered result, of the studies here",
        registry=registry,
        buckets=buckets,
    )
    for value in times:
        histogram.observe(value)
    return bytes(generate_latest(registry))


def snapshot(node: Any) -> dict[str, Any]:
    """What `metrics_text` needs, from a `overread.clinic.node.Node`."""
    studies = node.state.studies(limit=10_000)
    counts: dict[str, int] = {}
    for study in studies:
        counts[study.state.value] = counts.get(study.state.value, 0) + 1
    waiting = {d.name: 0 for d in node.config.destinations}
    for delivery in node.state.undelivered():
        waiting[delivery.destination] = waiting.get(delivery.destination, 0) + 1
    return {
        "counts": counts,
        "waiting": waiting,
        "times": seconds_to_notification(studies),
        "free_bytes": shutil.disk_usage(node.config.folder).free,
        "trouble": node.trouble,
        "hosts": len(node.state.hosts()) or 1,
        "dead": node.state.dead_letters(),
    }
