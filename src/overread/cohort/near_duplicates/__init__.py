"""Near-duplicates: the same picture again after a small turn, a crop, another compression or brightness; or mirrored,
turned by right angles, with light and dark exchanged.

Three steps, from cheap and coarse to dear and sure. Every image becomes a `thumbnail`. `candidates` finds for
each the few that a small change could have made it from, among all, by tangent distance (Simard, LeCun and
Denker, NIPS 1992): the picture and its derivatives by shift, turn, scale, shear, contrast and gamma span a
plane, and the distance to that plane does not change with them. Asked for in all eight symmetries of a square, it also
finds copies that are mirrored or turned by right angles. `likeness` then aligns each candidate pair
(Lucas and Kanade, IJCAI 1981) and compares what remains at three levels of detail.
"""

from overread.cohort.near_duplicates.pairs import NearPair, near_duplicates
from overread.cohort.near_duplicates.thumbnail import SIDE, thumbnail

__all__ = ["SIDE", "NearPair", "near_duplicates", "thumbnail"]
