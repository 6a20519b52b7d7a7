"""What the node knows about studies, runs and deliveries: an index for people and for the next step.

The truth is in files (spool, results); this database can be made again from them. Losing it costs at most a
second delivery of the same objects under the same UIDs.
"""

from __future__ import annotations

from overread.clinic.records.hosts import Hosts
from overread.clinic.records.store import now
from overread.clinic.records.studies import Studies
from overread.clinic.records.workitems import Workitems

__all__ = ["State", "now"]


class State(Workitems, Studies, Hosts):
    """The node's database; safe to share between threads of one process, and in PostgreSQL between hosts."""
