"""Storage commitment with pynetdicom as its user, on the same association and on our own; worklist queries."""

from __future__ import annotations

import threading
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu import P_DATA_TF
from tests.clinic.receive.raw import EXPLICIT, IMPLICIT, MR, VERIFICATION, data_set, node
from tests.clinic.site import CEILING_SECONDS, wait_for

from overread.clinic.receive.commitment import INSTANCE, Report, commitment_services
from overread.clinic.receive.contexts import COMMITMENT
from overread.clinic.receive.find import WORKLIST, find_service
from overread.clinic.receive.settings import PeerRow
from overread.clinic.spool import Spool

CT = "1.2.840.10008.5.1.4.1.1.2"


def action(*wanted: tuple[str, str], transaction: str = "1.2.77") -> Dataset:
    ds = Dataset()
    ds.TransactionUID = transaction
    ds.ReferencedSOPSequence = []
    for sop_class, sop in wanted:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop
        ds.ReferencedSOPSequence.append(item)
    return ds


def filled(folder: Path) -> Spool:
    spool = Spool(folder / "spool")
    spool.store(data_set("1.2.3.1"), MR, "1.2.3.1", EXPLICIT)
    return spool


def shown(ds: Dataset) -> tuple[list[str], list[tuple[str, int]]]:
    kept = [str(i.ReferencedSOPInstanceUID) for i in ds.get("ReferencedSOPSequence", [])]
    failed = [(str(i.ReferencedSOPInstanceUID), i.FailureReason) for i in ds.get("FailedSOPSequence", [])]
    return kept, failed


WANTED = ((MR, "1.2.3.1"), (CT, "1.2.3.1"), (MR, "1.2.3.404"), (MR, "../../x"))
FAILED = [("1.2.3.1", 0x0119), ("1.2.3.404", 0x0112), ("../../x", 0x0112)]


def test_report_on_the_same_association(tmp_path: Path) -> None:
    spool, heard = filled(tmp_path), []
    heard_one, told = threading.Event(), threading.Event()

    def report(event: evt.Event) -> tuple[int, None]:
        heard.append((event.event_type, event.event_information))
        heard_one.set()
        return 0, None

    def sent(event: evt.Event) -> None:
        # Who asks for release while its answer to the report still waits to be sent breaks its own state machine
        # (Evt9 in Sta7, PS3.8 table 9-10).
        if heard_one.is_set() and isinstance(event.pdu, P_DATA_TF):
            told.set()

    with node(tmp_path, spool=spool, services=commitment_services(spool, aet="NODE", peers=[])) as here:
        ae = AE("ME")
        ae.dimse_timeout = CEILING_SECONDS
        ae.add_requested_context(COMMITMENT, [EXPLICIT, IMPLICIT])

        def ask(ds: Dataset, kind: int = 1) -> int:
            """Status of an N-ACTION, on an association of its own: its user cannot ask and be told at once."""
            association = ae.associate(
                "127.0.0.1",
                here.port,
                ae_title="NODE",
                evt_handlers=[(evt.EVT_N_EVENT_REPORT, report), (evt.EVT_PDU_SENT, sent)],
            )
            assert association.is_established
            status, _ = association.send_n_action(ds, kind, COMMITMENT, INSTANCE)
            if status.Status == 0:
                assert told.wait(CEILING_SECONDS)
                told.clear()
                heard_one.clear()
            association.release()
            return int(status.Status)

        assert ask(action(*WANTED)) == 0
        assert ask(action(WANTED[0], transaction="1.2.78")) == 0
        assert ask(action(WANTED[0]), 2) == 0x0123
        unnamed = Dataset()
        unnamed.TransactionUID = "1.2.79"
        assert ask(unnamed) == 0x0110
    (kind, first), (other, second) = heard
    assert (kind, str(first.TransactionUID), shown(first)) == (2, "1.2.77", (["1.2.3.1"], FAILED))
    assert (other, str(second.TransactionUID), shown(second)) == (1, "1.2.78", (["1.2.3.1"], []))


def test_report_goes_where_the_peer_listens(tmp_path: Path) -> None:
    spool, heard = filled(tmp_path), []
    listener = AE("ME")
    listener.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)

    def report(event: evt.Event) -> tuple[int, None]:
        heard.append((event.event_type, shown(event.event_information)))
        return 0, None

    server = listener.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, report)]
    )
    row = PeerRow(aet="ME", host="127.0.0.1", port=server.server_address[1])
    try:
        services = commitment_services(spool, aet="NODE", peers=[row])
        with node(tmp_path, spool=spool, services=services) as here:
            ae = AE("ME")
            ae.add_requested_context(COMMITMENT, IMPLICIT)
            association = ae.associate("127.0.0.1", here.port, ae_title="NODE")
            assert association.send_n_action(action(WANTED[0]), 1, COMMITMENT, INSTANCE)[0].Status == 0
            association.release()
            wait_for(lambda: heard == [(1, (["1.2.3.1"], []))])
    finally:
        server.shutdown()


def test_a_report_on_what_we_asked_for_ourselves(tmp_path: Path) -> None:
    spool, heard = Spool(tmp_path / "spool"), []
    services = commitment_services(spool, aet="NODE", peers=[], on_report=heard.append)
    with node(tmp_path, spool=spool, services=services) as here:
        ae = AE("PACS")
        ae.add_requested_context(COMMITMENT, IMPLICIT)
        association = ae.associate(
            "127.0.0.1", here.port, ae_title="NODE", ext_neg=[build_role(COMMITMENT, scp_role=True)]
        )
        assert association.is_established
        ds = action((MR, "1.2.3.1"))
        failed = Dataset()
        failed.ReferencedSOPClassUID, failed.ReferencedSOPInstanceUID, failed.FailureReason = (
            CT,
            "1.2",
            0x0112,
        )
        ds.FailedSOPSequence = [failed]
        status, _ = association.send_n_event_report(ds, 2, COMMITMENT, INSTANCE)
        association.release()
    assert status.Status == 0
    assert heard == [Report("1.2.77", ((MR, "1.2.3.1"),), ((CT, "1.2", 0x0112),))]


def test_the_service_may_be_closed_to_a_peer(tmp_path: Path) -> None:
    spool = filled(tmp_path)
    services = commitment_services(spool, aet="NODE", peers=[])
    rows = [{"aet": "ME", "services": ["store"]}]
    with node(tmp_path, spool=spool, services=services, peers=rows) as here:
        ae = AE("ME")
        ae.add_requested_context(COMMITMENT, IMPLICIT)
        ae.add_requested_context(VERIFICATION, IMPLICIT)
        association = ae.associate("127.0.0.1", here.port, ae_title="NODE")
        assert association.send_n_action(action(WANTED[0]), 1, COMMITMENT, INSTANCE)[0].Status == 0x0124
        assert association.send_c_echo().Status == 0x0124
        association.release()


def test_worklist_query(tmp_path: Path) -> None:
    def answers(query: Dataset) -> list[Dataset]:
        found = []
        for name in ("A^B", "C^D"):
            ds = Dataset()
            ds.PatientName, ds.PatientID = name, query.PatientID
            found.append(ds)
        return found

    with node(tmp_path, services=find_service(WORKLIST, answers)) as here:
        ae = AE("ME")
        ae.add_requested_context(WORKLIST, [EXPLICIT, IMPLICIT])
        association = ae.associate("127.0.0.1", here.port, ae_title="NODE")
        query = Dataset()
        query.PatientID = "P7"
        found = list(association.send_c_find(query, WORKLIST))
        association.release()
    assert [(s.Status, str(d.PatientName) if d else None) for s, d in found] == [
        (0xFF00, "A^B"),
        (0xFF00, "C^D"),
        (0x0000, None),
    ]
    assert found[0][1].PatientID == "P7"
