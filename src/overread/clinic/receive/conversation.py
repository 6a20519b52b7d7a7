"""One association, from its acceptance to its end: a thread that reads PDUs, keeps instances, and answers."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping

from overread.clinic.encoded import NotWholeError
from overread.clinic.keeping.arriving import Arriving
from overread.clinic.receive import dimse
from overread.clinic.receive.contexts import VERIFICATION, is_storage
from overread.clinic.receive.dimse import Code, Command, CommandSet
from overread.clinic.receive.negotiate import Agreed
from overread.clinic.receive.pdu import (
    GoneError,
    Kind,
    Pdv,
    ProtocolError,
    Reader,
    Reason,
    abort,
    data_pdus,
    release_answer,
    values,
)
from overread.clinic.receive.peek import LOOKED_AT_BYTES, study_of_beginning
from overread.clinic.receive.services import Caller, Services
from overread.clinic.receive.sparse import SparseLog
from overread.clinic.spool import Spool, Status, Stored, out_of_resources, safe_uid

LONGEST_DATA = 16 << 20
"""Of the data set of anything but a C-STORE."""
log = SparseLog(logging.getLogger("overread.clinic.receive"))


class Conversation:
    """Serve one accepted association until it ends.

    Parameters
    ----------
    agreed
        Accepted presentation contexts by identifier.
    longest
        Longest PDU that the peer takes; 0 means any.
    store_allowed
        Whether the caller may store; where not, C-STORE is answered with 0124 (PS3.7 annex C).
    no_room
        Why an instance cannot be taken just now, or nothing; asked before anything of it is written.
    """

    def __init__(
        self,
        connection: socket.socket,
        reader: Reader,
        caller: Caller,
        *,
        agreed: Mapping[int, Agreed],
        longest: int,
        spool: Spool,
        services: Services,
        allowed: frozenset[str],
        longest_object: int,
        no_room: Callable[[], str],
        on_stored: Callable[[Stored, str], None],
        on_released: Callable[[str, frozenset[str]], None],
    ) -> None:
        self.caller = caller
        self.studies: dict[str, float] = {}
        """Studies that it has brought instances of, one that is on its way too, and when the latest came."""
        self._current = ""
        self.moved = time.monotonic()
        """When the last whole PDU came."""
        self._connection, self._reader = connection, reader
        self._agreed, self._longest = agreed, longest
        self._spool, self._services, self._allowed = spool, services, allowed
        self._longest_object, self._no_room = longest_object, no_room
        self._on_stored, self._on_released = on_stored, on_released
        self._command = bytearray()
        self._request: CommandSet | None = None
        self._context = 0
        self._arriving: Arriving | None = None
        self._refused: Stored | None = None
        self._data = bytearray()
        self._size = 0
        self._looked = False
        self._closing = threading.Event()

    def bringing(self, seconds: float) -> frozenset[str]:
        """Studies of which an instance is on its way, or came within ``seconds``.

        One association may bring one study after the other for hours: what came first need not wait for the last.
        """
        since, current = time.monotonic() - seconds, self._current
        return frozenset(s for s, at in dict(self.studies).items() if at >= since or s == current)

    @property
    def between(self) -> bool:
        """Whether nothing is on its way: it may be ended without anything cut off."""
        return self._request is None and not self._command and self._reader.between

    def close(self) -> None:
        """End it from another thread; what is being stored right now is still answered."""
        self._closing.set()
        with contextlib.suppress(OSError):
            # Not the method of an encrypted socket, which would take its keys away before our last words.
            socket.socket.shutdown(self._connection, socket.SHUT_RD)

    def serve(self) -> None:
        """Run to the end. Never raises: whatever goes wrong, the other associations go on."""
        try:
            if self._serve():
                self._on_released(self.caller.title, frozenset(self.studies))
        except GoneError as error:
            # A peer that is only silent hears why it is let go.
            self._say(abort(Reason.NOT_SPECIFIED))
            if not self._closing.is_set() and not self.between:
                log.warning("association with %s lost: %s", self.caller.address, error)
        except ProtocolError as error:
            log.warning("association with %s aborted: %s", self.caller.address, error)
            self._say(abort(error.reason))
        except OSError as error:
            log.warning("association with %s broken: %s", self.caller.address, error)
        except Exception:
            logging.getLogger(__name__).exception(
                "association with %s ended by an error", self.caller.address
            )
            self._say(abort(Reason.NOT_SPECIFIED))
        finally:
            if self._arriving is not None:
                self._arriving.discard()
                self._arriving = None

    def _serve(self) -> bool:
        read = self._reader.read
        while True:
            kind, body = read()
            self.moved = time.monotonic()
            if kind == Kind.DATA:
                for value in values(body):
                    self._take(value)
                if self._closing.is_set() and self.between:
                    self._say(abort(Reason.NOT_SPECIFIED))
                    return False
            elif kind == Kind.RELEASE_RQ:
                self._connection.sendall(release_answer())
                return True
            elif kind == Kind.ABORT:
                return False
            else:
                raise ProtocolError(Reason.UNEXPECTED_PDU, f"PDU type {kind:#04x} within an association")

    def _take(self, value: Pdv) -> None:
        if value.context not in self._agreed:
            raise ProtocolError(Reason.INVALID_PARAMETER, f"context {value.context} was never agreed")
        if value.command:
            if self._request is not None:
                raise ProtocolError(Reason.UNEXPECTED_PARAMETER, "a command where a data set was announced")
            if self._command and value.context != self._context:
                raise ProtocolError(Reason.INVALID_PARAMETER, "one command on two contexts")
            self._context = value.context
            self._command += value.data
            if len(self._command) > dimse.LONGEST_COMMAND:
                raise ProtocolError(
                    Reason.INVALID_PARAMETER, f"a command set of more than {dimse.LONGEST_COMMAND} bytes"
                )
            if not value.last:
                if not value.data:
                    raise ProtocolError(Reason.INVALID_PARAMETER, "an empty part of a command")
                return
            command, self._command = dimse.parse(self._command), bytearray()
            self._begin(command)
            return
        if self._request is None:
            raise ProtocolError(Reason.UNEXPECTED_PARAMETER, "a data set without a command")
        if value.context != self._context:
            raise ProtocolError(Reason.INVALID_PARAMETER, "a data set on another context than its command")
        if not value.data and not value.last:
            raise ProtocolError(Reason.INVALID_PARAMETER, "an empty part of a data set")
        self._piece(value.data)
        if value.last:
            self._finish()

    def _begin(self, command: CommandSet) -> None:
        """A command set is whole: say what becomes of the data set that follows, or answer."""
        if command.field is None:
            raise ProtocolError(Reason.NOT_SPECIFIED, "a command set without a command field")
        if command.field & dimse.RESPONSE or command.field == Command.C_CANCEL:
            # Answers to what we asked for on this association (reports on commitment), and cancels of what is done.
            if command.has_data and command.field != Command.C_CANCEL:
                self._request, self._refused, self._size = command, Stored(Status.SUCCESS), 0
            return
        self._request, self._refused, self._size = command, None, 0
        if command.field == Command.C_STORE:
            self._begin_store(command)
        if not command.has_data:
            self._finish()

    def _begin_store(self, command: CommandSet) -> None:
        agreed = self._agreed[self._context]
        sop, sop_class = (command.texts.get(n, "") for n in (dimse.SOP_INSTANCE, dimse.SOP_CLASS))
        refused = self._refusal(command, agreed, sop, sop_class)
        if refused is None and command.has_data:
            reason = self._no_room()
            if reason:
                refused = Stored(Status.OUT_OF_RESOURCES, reason[:64])
        if refused is None and command.has_data:
            self._arriving = self._spool.begin(sop_class, sop, agreed.transfer_syntax, self.caller.title)
        self._refused = refused

    def _refusal(self, command: CommandSet, agreed: Agreed, sop: str, sop_class: str) -> Stored | None:
        if "store" not in self._allowed:
            return Stored(Status.NOT_AUTHORIZED, "storing is not allowed for this title")
        if not command.whole:
            return Stored(Status.MISTYPED_ARGUMENT, "the command set is cut off or not well-formed")
        if not is_storage(agreed.abstract_syntax):
            return Stored(Status.CLASS_NOT_SUPPORTED, "this context is not for storing")
        try:
            safe_uid(sop)
        except ValueError:
            return Stored(Status.INVALID_INSTANCE, "Affected SOP Instance UID is empty or no UID")
        try:
            safe_uid(sop_class)
        except ValueError:
            return Stored(Status.CLASS_NOT_SUPPORTED, "Affected SOP Class UID is empty or no UID")
        if not command.has_data:
            return Stored(Status.CANNOT_UNDERSTAND, "a C-STORE without a data set")
        return None

    def _piece(self, data: memoryview) -> None:
        self._size += len(data)
        request = self._request
        assert request is not None
        if request.field != Command.C_STORE:
            if self._size > LONGEST_DATA:
                raise ProtocolError(
                    Reason.INVALID_PARAMETER, f"an identifier of more than {LONGEST_DATA} bytes"
                )
            if self._refused is None:
                self._data += data
            return
        if self._size > self._longest_object:
            raise ProtocolError(Reason.NOT_SPECIFIED, f"an object of more than {self._longest_object} bytes")
        if self._arriving is None:
            return
        try:
            self._arriving.write(data)
        except OSError as error:
            # The rest is read and dropped, so that the answer arrives.
            self._refused = out_of_resources(error)
            self._arriving.discard()
            self._arriving = None
            return
        if not self._looked and self._arriving.size > LOOKED_AT_BYTES:
            self._looked = True
            beginning = self._arriving.beginning()
            study = study_of_beginning(beginning, self._arriving.transfer_syntax) if beginning else ""
            if study:
                self._current = study
                self.studies[study] = time.monotonic()

    def _finish(self) -> None:
        request = self._request
        assert request is not None
        try:
            if request.field == Command.C_STORE:
                self._finish_store(request)
            elif request.field is not None and not request.field & dimse.RESPONSE:
                self._finish_other(request)
        finally:
            self._request, self._data, self._refused, self._looked = None, bytearray(), None, False
            self._current = ""

    def _finish_store(self, request: CommandSet) -> None:
        arriving, self._arriving = self._arriving, None
        if self._refused is not None:
            stored = self._refused
            if arriving is not None:
                arriving.discard()
        else:
            assert arriving is not None
            stored = self._spool.keep(arriving)
            if stored.status is Status.SUCCESS:
                self.studies[stored.study] = time.monotonic()
        self._on_stored(stored, self.caller.title)
        self._respond(request, stored.status, stored.comment)

    def _finish_other(self, request: CommandSet) -> None:
        agreed = self._agreed[self._context]
        if request.field == Command.C_ECHO:
            if agreed.abstract_syntax != VERIFICATION:
                self._respond(request, Code.CLASS_NOT_SUPPORTED, "this context is not for C-ECHO")
            elif "echo" not in self._allowed:
                self._respond(request, Code.NOT_AUTHORIZED)
            else:
                self._respond(request, Code.SUCCESS)
            return
        service = self._services.get(agreed.abstract_syntax)
        if service is None or request.field not in service.commands:
            self._respond(
                request, Code.UNRECOGNIZED_OPERATION, f"command {request.field:#06x} is not known here"
            )
            return
        if service.name not in self._allowed:
            self._respond(request, Code.NOT_AUTHORIZED)
            return
        if not request.whole:
            self._respond(request, Code.MISTYPED_ARGUMENT)
            return
        data = bytes(self._data)
        try:
            for reply in service.answer(request, data, agreed, self.caller):
                self._respond(request, reply.status, reply.comment, reply.data)
        except (ValueError, NotWholeError) as error:
            self._respond(request, Code.PROCESSING_FAILURE, str(error))
            return
        for command, content in service.afterwards(request, data, agreed, self.caller):
            self._connection.sendall(
                data_pdus(self._context, command, command=True, longest=self._longest)
                + data_pdus(self._context, content, command=False, longest=self._longest)
            )

    def _respond(
        self, request: CommandSet, status: int, comment: str = "", data: bytes | None = None
    ) -> None:
        command = dimse.answer(request, int(status), comment, data_set=data is not None)
        out = data_pdus(self._context, command, command=True, longest=self._longest)
        if data is not None:
            out += data_pdus(self._context, data, command=False, longest=self._longest)
        self._connection.sendall(out)

    def _say(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._connection.sendall(data)
