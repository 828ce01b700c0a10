"""What is told, and to whom: the two values every room makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from yilian.notifications.templates import CHANNELS, templates


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is told.

    account   a person, at whatever post: `agent` is their reference ("Practitioner/gp")
    post      whoever holds this role in this institution when it is read
    patient   the patient, by any record that is linked to this one
    address   somebody who is not on the platform, by `channel` (email | sms | wechat)
    """

    kind: str
    agent: str = ""
    institution: int = 0
    role: str = ""
    rid: int = 0
    channel: str = ""
    to: str = ""

    @staticmethod
    def account(agent: str) -> Reader:
        return Reader("account", agent=agent)

    @staticmethod
    def post(institution: int, role: str) -> Reader:
        return Reader("post", institution=institution, role=role)

    @staticmethod
    def patient(rid: int) -> Reader:
        return Reader("patient", rid=rid)

    @staticmethod
    def address(channel: str, to: str) -> Reader:
        return Reader("address", channel=channel, to=to)


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be told.

    event    key of a template
    to       who; several readers have an entry each
    about    "Task/…", "Appointment/…": what opens when it is pressed
    patient  rid: a reader without a ground is told that there is something, and nothing about whom
    values   for the template: names and times ready to print, no identity numbers
    urgent   ignores quiet hours
    at       aware; not before (reminders)
    key      told once only for one key
    """

    event: str
    to: tuple[Reader, ...]
    about: str
    patient: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False
    at: datetime | None = None
    key: str = ""


class BadMessage(ValueError):
    """A room tells something no template knows, or not with the values it takes: a fault of the program, never of a request."""


MOST_READERS = 50
LONGEST_KEY = 300
LONGEST_VALUE = 2000


def check(message: Message) -> None:
    """Raises BadMessage for what cannot be told, so that it is noticed when it is written and not by who is never told."""
    template = templates().get(message.event)
    if template is None:
        raise BadMessage(f"There is no template {message.event!r}; add it to notifications/templates.toml.")
    given = set(message.values)
    if missing := template.values - given:
        raise BadMessage(f"{message.event}: {', '.join(sorted(missing))} is missing.")
    if strange := given - template.values - template.optional:
        raise BadMessage(f"{message.event} takes no {', '.join(sorted(strange))}.")
    for name, value in message.values.items():
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            raise BadMessage(f"{message.event}: {name} must be a text of at most {LONGEST_VALUE} characters.")
    if not message.to or len(message.to) > MOST_READERS:
        raise BadMessage(f"{message.event}: a message has 1 to {MOST_READERS} readers.")
    if message.at is not None and message.at.tzinfo is None:
        raise BadMessage(f"{message.event}: `at` has no offset.")
    if len(message.key) > LONGEST_KEY:
        raise BadMessage(f"{message.event}: a key has at most {LONGEST_KEY} characters.")
    for reader in message.to:
        if not _names_one(reader):
            raise BadMessage(f"{message.event}: {reader!r} names nobody.")


def _names_one(reader: Reader) -> bool:
    match reader.kind:
        case "account":
            return "/" in reader.agent
        case "post":
            return bool(reader.institution and reader.role)
        case "patient":
            return bool(reader.rid)
        case "address":
            return reader.channel in CHANNELS and bool(reader.to)
    return False
