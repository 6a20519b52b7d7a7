"""DICOM conformance statement in Markdown, made from the code and from a node's configuration (after PS3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from overread import __version__
from overread.clinic.config import ClinicConfig
from overread.clinic.config_destinations import Destination, Stow
from overread.clinic.encoded import encoding_of
from overread.clinic.outward.dicom import COMMITMENT, STUDY_ROOT_FIND
from overread.clinic.pull.retrieve import GET, MOVE
from overread.clinic.receive.contexts import is_storage
from overread.clinic.receive.find import WORKLIST
from overread.clinic.receive.pdu import MAXIMUM_PDU
from overread.clinic.results.cad import CHEST, MAMMOGRAPHY
from overread.clinic.results.names import PLACES, ObjectName
from overread.clinic.spool import Status
from overread.clinic.ups.resources import BASE, KEYS, TRANSACTIONS
from overread.clinic.ups.search import MOST
from overread.clinic.ups.workitem import UPS_PUSH

# What each object is stored as; a segmentation by the kind that is configured.
CLASSES: dict[ObjectName, tuple[str, ...]] = {
    "seg": ("1.2.840.10008.5.1.4.1.1.66.4",),
    "map": ("1.2.840.10008.5.1.4.1.1.30",),
    "capture": ("1.2.840.10008.5.1.4.1.1.7.4",),
    "sr": ("1.2.840.10008.5.1.4.1.1.88.34",),
    "cad": (str(MAMMOGRAPHY.sop_class), str(CHEST.sop_class)),
    "presentation": ("1.2.840.10008.5.1.4.1.1.11.1",),
    "pdf": ("1.2.840.10008.5.1.4.1.1.104.1",),
    "key": ("1.2.840.10008.5.1.4.1.1.88.59",),
}
LABEL_MAP = ("1.2.840.10008.5.1.4.1.1.66.7", "Label Map Segmentation Storage")
WRITTEN = "1.2.840.10008.1.2.1"


def conformance(config: ClinicConfig) -> str:
    """The statement of one node."""
    return "\n".join(
        [
            f"# DICOM conformance statement: {config.aet}",
            "",
            f"overread {__version__}. Made from the program and the node's configuration; sections as in PS3.2.",
            "",
            *_overview(config),
            *_networking(config),
            *_results(config),
            *_security(config),
        ]
    )


def stored_classes() -> list[tuple[str, str]]:
    """UID and name of every storage class of the standard that is taken."""
    # Two retired classes have lost their names in PS3.6.
    named = [
        (uid, entry[0] or "(retired, without a name)")
        for uid, entry in UID_dictionary.items()
        if is_storage(uid)
    ]
    return sorted(named, key=lambda item: item[1])


def transfer_syntaxes() -> list[tuple[str, str]]:
    """UID and name of every transfer syntax that is taken."""
    known = [(uid, entry[0]) for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"]
    return [(uid, name) for uid, name in known if encoding_of(uid) is not None]


def sent_classes(config: ClinicConfig) -> list[tuple[str, str]]:
    """UID and name of every class that results are sent as."""
    out: list[tuple[str, str]] = []
    for name in PLACES:
        if name not in config.results.objects:
            continue
        if name == "seg" and config.results.segmentation == "labelmap":
            out.append(LABEL_MAP)
        else:
            out += [(uid, UID(uid).name) for uid in CLASSES[name]]
    return out


def _overview(config: ClinicConfig) -> list[str]:
    rows = [("Verification", "1.2.840.10008.1.1", "yes", "yes")]
    rows += [(name, uid, "yes", "") for uid, name in sent_classes(config)]
    rows += [("Storage, every class listed below", "", "", "yes")]
    confirmed = {d.confirm for d in config.destinations if isinstance(d, Destination)}
    rows += [
        (UID(str(COMMITMENT)).name, str(COMMITMENT), "yes" if "commitment" in confirmed else "", "yes"),
        (UID(WORKLIST).name, WORKLIST, "", "yes"),
    ]
    sends = any(isinstance(d, Stow) for d in config.destinations)
    takes = config.receive.stow is not None
    if sends or takes:
        rows.append(
            ("STOW-RS, Store Instances (PS3.18 10.5)", "", "yes" if sends else "", "yes" if takes else "")
        )
    if config.web.ups is not None:
        rows += [(f"UPS-RS, {t.name} (PS3.18 {t.section})", UPS_PUSH, "", "yes") for t in TRANSACTIONS]
    if any(route.priors is not None for route in config.routes):
        asked = {getattr(s, "kind", "dicom") for s in config.pull.sources}
        rows += [(STUDY_ROOT_FIND.name, str(STUDY_ROOT_FIND), "yes", "")] * ("dicom" in asked)
        rows += [("QIDO-RS, Search for Studies and Series (PS3.18 10.6)", "", "yes", "")] * ("web" in asked)
    ways = {getattr(source, "retrieve", source.kind) for source in config.pull.sources}
    rows += [(UID(uid).name, uid, "yes", "") for way, uid in (("get", GET), ("move", MOVE)) if way in ways]
    if "web" in ways:
        rows.append(("WADO-RS, Retrieve Study (PS3.18 10.4)", "", "yes", ""))
    if "query" in confirmed and (STUDY_ROOT_FIND.name, str(STUDY_ROOT_FIND), "yes", "") not in rows:
        rows.append((STUDY_ROOT_FIND.name, str(STUDY_ROOT_FIND), "yes", ""))
    return [
        "## 1 Overview",
        "",
        "The node receives studies, lets packages (trained networks) answer them, and sends result objects.",
        "It never changes, reorders or removes an object of another system.",
        "",
        *table(("Service", "UID", "as SCU", "as SCP"), rows),
        "",
    ]


def _networking(config: ClinicConfig) -> list[str]:
    receive = config.receive
    peers = "any" if config.peers is None and not receive.peers else "listed titles alone"
    facts = [
        ("Application entity title", config.aet),
        ("Port", str(config.port)),
        ("Port with TLS", str(receive.tls.port) if receive.tls else "none"),
        ("Port of STOW-RS", str(receive.stow.port) if receive.stow else "none"),
        ("Calling titles accepted", peers),
        ("Associations at once", str(config.maximum_associations)),
        ("Connections at once", str(receive.maximum_connections)),
        ("Maximum PDU offered", f"{MAXIMUM_PDU} bytes"),
        ("Wait for an association request", f"{receive.request_seconds:g} s"),
        ("Idle time of an association", f"{receive.idle_seconds:g} s"),
        ("Largest object", f"{receive.maximum_object_mb} MB"),
        ("Asynchronous operations", "none"),
    ]
    statuses = [(f"{int(s):04X}H", s.name.replace("_", " ").lower()) for s in Status]
    sent = [(d.name, d.aet, f"{d.host}:{d.port}") for d in config.destinations if isinstance(d, Destination)]
    return [
        "## 2 Networking",
        "",
        "### 2.1 Application entity",
        "",
        *table(("What", "Value"), facts),
        "",
        "### 2.2 Storage as SCP",
        "",
        "Success is answered once the instance is in a file that is synced to disk under its final name. Data sets are",
        "kept as received. Private classes, and classes that this list does not know, are taken too.",
        "",
        *table(("Status", "Meaning"), statuses),
        "",
        *table(("SOP class", "UID"), [(name, uid) for uid, name in stored_classes()]),
        "",
        "Transfer syntaxes, the sender's first choice wins; of uncompressed ones Explicit VR Little Endian:",
        "",
        *table(("Transfer syntax", "UID"), [(name, uid) for uid, name in transfer_syntaxes()]),
        "",
        "### 2.3 Storage as SCU",
        "",
        f"Result objects are written in {UID(WRITTEN).name} ({WRITTEN}).",
        "",
        *table(("SOP class", "UID"), [(name, uid) for uid, name in sent_classes(config)]),
        "",
        *(table(("Destination", "Title", "Address"), sent) if sent else ["No destination by DICOM."]),
        "",
        *_workitems(config),
    ]


def _workitems(config: ClinicConfig) -> list[str]:
    if config.web.ups is None:
        return []
    rows = [(t.name, t.section, f"{t.method} {BASE}{t.path}") for t in TRANSACTIONS]
    return [
        "### 2.4 UPS-RS as origin server",
        "",
        "A workitem is made by the node when a package finds what its route calls urgent; clients make none, and there",
        "is no subscription. Representation: application/dicom+json. Clients show a bearer token. A search matches",
        f"{', '.join(KEYS)}; the oldest come first, at most {MOST}.",
        "",
        *table(("Transaction", "PS3.18", "Resource"), rows),
        "",
    ]


def _results(config: ClinicConfig) -> list[str]:
    rows = [
        (name, str(place.series_number), place.file)
        for name, place in PLACES.items()
        if name in config.results.objects
    ]
    return [
        "## 3 Result objects",
        "",
        "In the study that they belong to, in series of their own. UIDs are under 2.25, made of study, instances and",
        "package: the same run gives the same objects. Patient and study attributes are copied byte for byte with",
        "their Specific Character Set; text of the node's own is ASCII. Codes of scheme 99OVERREAD are private.",
        "",
        f"ContentQualification is {config.content_qualification}. Reports are UNVERIFIED and PRELIMINARY.",
        "",
        *table(("Object", "Series number", "File"), rows),
        "",
    ]


def _security(config: ClinicConfig) -> list[str]:
    tls = config.receive.tls
    if tls is None:
        transport = "DICOM is not encrypted by this configuration."
    else:
        asked = (
            f"client certificates {tls.client_certificates}" if tls.authorities else "no client certificate"
        )
        transport = f"TLS 1.2 and 1.3 on port {tls.port} (PS3.15 annex B.12), {asked}."
    audit = config.audit
    trail = (
        f"Audit messages (PS3.15 A.5) go to {audit.host}:{audit.port} by syslog over {'TLS' if audit.tls else 'TCP'}."
        if audit.host
        else "Audit events are kept in the chain of evidence; no audit record repository is configured."
    )
    return ["## 4 Security", "", transport, "", trail, ""]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    out = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return out + [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
