"""A short signed mail without a patient's name; done when the mail server has taken it for all who are named."""

from __future__ import annotations

import smtplib
import ssl
import time
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

from overread.clinic.associate import UnreachableError
from overread.clinic.config_destinations import MailTo
from overread.clinic.outward.http import secret
from overread.clinic.outward.parcel import MESSAGE, TAKEN, Parcel, Said
from overread.clinic.outward.signed import HEADER, sign

TEMPORARY = 500


def send(parcel: Parcel, destination: MailTo) -> dict[str, Said]:
    """One mail about a result. Raises UnreachableError where the server does not take it now."""
    if destination.urgent_only and not parcel.urgent:
        return {MESSAGE: TAKEN}
    content = parcel.without_identity
    lines = [
        f"A study was analysed by {content['package']} {content['version']}.",
        f"Study: {content['study']}",
        f"Result: {content['headline'] or 'none, see the operations page'}",
        content["notice"],
    ]
    subject = "urgent result" if parcel.urgent else "result"
    return {MESSAGE: post(subject, lines, destination, parcel.timeout)}


def post(subject: str, lines: list[str], destination: MailTo, timeout: float) -> Said:
    """Send any signed mail. Raises UnreachableError where the server does not take it now."""
    message = EmailMessage()
    message["Subject"], message["From"] = f"overread: {subject}", destination.sender
    message["To"], message["Date"] = ", ".join(destination.to), format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=destination.sender.partition("@")[2])
    text = "\n".join(" ".join(line.split()) for line in lines) + "\n"
    message[HEADER] = sign(text.encode(), secret(destination.secret_file), int(time.time()))
    message.set_content(text)
    where = f"{destination.host}:{destination.port}"
    try:
        with smtplib.SMTP(destination.host, destination.port, timeout=timeout) as server:
            if destination.starttls:
                server.starttls(context=ssl.create_default_context())
            refused = server.send_message(message)
    except smtplib.SMTPResponseException as error:
        final = error.smtp_code >= TEMPORARY
        return Said(refused=final, text=f"{destination.name}: {where} answered {error.smtp_code}")
    except (OSError, smtplib.SMTPException) as error:
        raise UnreachableError(f"{where} takes no mail ({type(error).__name__})") from error
    if refused:
        return Said(refused=True, text=f"{destination.name}: {len(refused)} of the receivers were refused")
    return TAKEN
