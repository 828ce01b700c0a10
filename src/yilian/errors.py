"""What can go wrong, once, for the whole house.

Every error a caller may cause is a `YilianError`. It knows its HTTP status and its FHIR issue code, and carries two texts for people:
`diagnostics` (English, for engineers and other systems) and `zh` (Chinese, what the person at the screen reads and does next).
`http/outcome.py` turns any of them into an OperationOutcome; nothing else does.
FHIR R4: http://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, and where.

    `severity` is fatal | error | warning | information; `code` is from http://hl7.org/fhir/R4/valueset-issue-type.html;
    `expression` is a simple FHIRPath to the field at fault (`Patient.birthDate`, `Bundle.entry[3].resource.subject`), or empty.
    `zh` is the same message in Chinese, for the person at the screen; empty where there is none.
    `coding` is (system, code) of a finer classification, where one is agreed with other servers.
    """

    severity: str
    code: str
    diagnostics: str
    expression: str = ""
    zh: str = ""
    coding: tuple[str, str] | None = None


class YilianError(Exception):
    """The request cannot be done; nothing was stored.

    `extension` is what machines are told besides, as FHIR extensions of the OperationOutcome.
    """

    status = 500
    code = "exception"
    extension: Sequence[dict[str, Any]] = ()

    def __init__(
        self,
        diagnostics: str,
        *,
        expression: str = "",
        zh: str = "",
        code: str | None = None,
        issues: Sequence[Issue] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(diagnostics)
        self.issues: tuple[Issue, ...] = tuple(issues) or (Issue("error", code or self.code, diagnostics, expression, zh),)
        self.retry_after_s = retry_after_s


class BadRequest(YilianError):
    """The request itself is malformed: JSON, a parameter, a header."""

    status, code = 400, "invalid"


class NotSupported(YilianError):
    """Understood, but this server does not do it (unknown parameter, modifier, interaction)."""

    status, code = 400, "not-supported"


class NotSignedIn(YilianError):
    """No token, or one that is no longer good."""

    status, code = 401, "login"


class Forbidden(YilianError):
    """Signed in, but this is not this person's to do. Never used to hide that something exists: that is NotFound."""

    status, code = 403, "forbidden"


class NotFound(YilianError):
    """There is nothing here that this caller may know of."""

    status, code = 404, "not-found"


class MethodNotAllowed(YilianError):
    """The address exists, the verb does not."""

    status, code = 405, "not-supported"


class NotAcceptable(YilianError):
    """The answer cannot be given in the form that was asked for."""

    status, code = 406, "not-supported"


class Conflict(YilianError):
    """The state of things does not allow it now."""

    status, code = 409, "conflict"


class Gone(YilianError):
    """It was here and was deleted."""

    status, code = 410, "deleted"


class VersionStale(YilianError):
    """Somebody else changed it since it was read; or a conditional request matched several."""

    status, code = 412, "conflict"


class TooLarge(YilianError):
    """More than the server takes at once."""

    status, code = 413, "too-long"


class UnsupportedMediaType(YilianError):
    """The body is in a form this server does not read."""

    status, code = 415, "not-supported"


class InvalidResource(YilianError):
    """The resource breaks the rules of FHIR or of the house; every fault is listed with its field."""

    status, code = 422, "invalid"


class TooManyRequests(YilianError):
    """Slow down."""

    status, code = 429, "throttled"


class Unavailable(YilianError):
    """The database is away or the server is overloaded; the same request may be sent again."""

    status, code = 503, "transient"


class NoRoom(Unavailable):
    """The disk of the database is full; the same request may be sent again once there is room (RFC 4918, 11.5)."""

    status, code = 507, "no-store"
