"""Manufacturer disclosure for medical device security by section of ANSI/NEMA HN 1-2019, from the configuration."""

from __future__ import annotations

from overread import __version__
from overread.clinic.config import ClinicConfig
from overread.clinic.papers.conformance import table
from overread.clinic.people import LONGEST_PASSWORD, SHORTEST_PASSWORD, Role


def disclosure(config: ClinicConfig) -> str:
    """One table: section, question, answer for this node."""
    return "\n".join(
        [
            f"# Security disclosure: {config.aet}",
            "",
            f"overread {__version__}. Sections of ANSI/NEMA HN 1-2019 (MDS2), for this node's configuration.",
            "Where an answer names the operating system, whoever runs the machine answers for it.",
            "",
            *table(("Section", "About", "Answer"), answers(config)),
            "",
        ]
    )


def answers(config: ClinicConfig) -> list[tuple[str, str, str]]:
    """Section, what it is about, answer."""
    web, audit, tls, stow = config.web, config.audit, config.receive.tls, config.receive.stow
    login = "yes" if web.login else "no: pages are on loopback and ask for no password"
    wire = f"TLS 1.2 or 1.3 on port {tls.port}" if tls else "no: keep the node within a protected network"
    keep = f"{config.disk.keep_days:g} days" if config.disk.keep_days else "until an operator deletes it"
    ports = [f"DICOM {config.port}"] + ([f"DICOM in TLS {tls.port}"] if tls else [])
    ports += ([f"STOW-RS {stow.host}:{stow.port}"] if stow else []) + [f"pages {web.host}:{web.port}"]
    peers = "any calling title" if config.peers is None and not config.receive.peers else "listed nodes alone"
    record = f"{audit.host}:{audit.port}" if audit.host else "not sent, kept in the chain of evidence"
    return [
        ("MPII", "Personal data kept", f"Images with patients' names as received, results; kept {keep}"),
        (
            "MPII",
            "Personal data in logs",
            "No names; study UIDs and user names. The search words are not logged",
        ),
        (
            "MPII",
            "Data leaving the machine",
            "Only to configured destinations and the audit repository; no telemetry",
        ),
        ("ALOF", "Automatic log-off", f"{login}; after {web.session_minutes:g} min without a request"),
        ("AUDT", "Audit trail", f"Hash-chained ledger of every event; ATNA messages: {record}"),
        ("AUTH", "Authorization", f"Roles: {', '.join(Role)}; each page and action asks for its own"),
        (
            "CSUP",
            "Security updates",
            "By the package installer of the machine; nothing is fetched by the node itself",
        ),
        ("DIDT", "De-identification", "Not of what is received; overread deidentify does it for other uses"),
        ("DTBK", "Backup", "overread backup while the node runs, overread restore"),
        ("EMRG", "Emergency access", "Not applicable: images and reports stay in the PACS"),
        (
            "IGAU",
            "Integrity",
            "Each received instance is synced before success; packages and results carry SHA-256",
        ),
        (
            "MLDP",
            "Malware protection",
            "Of the operating system; preambles are zeroed, no received file is executed",
        ),
        ("NAUT", "Node authentication", f"DICOM: {peers}; transport: {wire}"),
        (
            "CONN",
            "Network ports",
            f"{', '.join(ports)}; no other port is opened",
        ),
        (
            "PAUT",
            "Passwords",
            f"Argon2id hashes; {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; first password made at random "
            "and changed at the first login; 5 wrong ones stop a name and an address for 5 min",
        ),
        ("PLOK", "Physical locks", "Of the machine"),
        ("RDMP", "Third-party parts", "overread sbom lists them with versions and licences"),
        ("SBoM", "Bill of materials", "overread sbom: CycloneDX 1.6"),
        (
            "SAHD",
            "Hardening",
            "One user, files 0600; pages answer known host names alone; limits on connections",
        ),
        ("SGUD", "Guidance", "docs/clinic.md"),
        (
            "STCF",
            "Confidentiality at rest",
            "By encryption of the disk, of the operating system; access for one user",
        ),
        (
            "TXCF",
            "Confidentiality in transit",
            f"DICOM: {wire}; pages: on loopback, or behind a proxy with TLS",
        ),
        ("TXIG", "Integrity in transit", f"DICOM: {wire}; results are confirmed by their receivers"),
        ("RMOT", "Remote service", "None: no remote access is built in"),
    ]
