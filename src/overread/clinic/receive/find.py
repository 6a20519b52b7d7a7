"""C-FIND (PS3.4 annexes C and K): a query, and as many matches as somebody has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from pydicom.dataset import Dataset

from overread.clinic.receive.commitment import decode, encode
from overread.clinic.receive.dimse import Code, Command, CommandSet
from overread.clinic.receive.negotiate import Agreed
from overread.clinic.receive.services import Caller, Reply, Service

WORKLIST = "1.2.840.10008.5.1.4.31"
Answers = Callable[[Dataset], Iterable[Dataset]]


def find_service(abstract_syntax: str, answers: Answers, *, name: str = "worklist") -> Mapping[str, Service]:
    """The service for `overread.clinic.receive.server.Server`: each match is pending, then comes success."""

    def answer(request: CommandSet, data: bytes, agreed: Agreed, caller: Caller) -> Iterator[Reply]:
        for match in answers(decode(data, agreed)):
            yield Reply(Code.PENDING, data=encode(match, agreed.transfer_syntax))
        yield Reply(Code.SUCCESS)

    return {abstract_syntax: Service(name, frozenset({int(Command.C_FIND)}), answer)}
