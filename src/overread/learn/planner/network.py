"""A network as it stands in a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.learn.plan import Network
from overread.learn.planner.room import Room
from overread.nets.networks import build, parameters_of


def planned(name: str, room: Room, arguments: Mapping[str, Any]) -> Network:
    """The network ``name`` for the inputs and outputs of ``room``, with its parameters counted."""
    made = build(name, room.dimensions, room.channels, room.outputs, arguments)
    return Network(name=name, arguments=dict(arguments), parameters=parameters_of(made))
