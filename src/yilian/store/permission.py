"""Who may write what: rules over the `Scope` alone, readable in one sitting. Which patients, the references decide (`integrity.py`).

1. A scope that may not write, or not this type, writes nothing.
2. The directory, definitions and terminology (`SHARED_TYPES`) are written by systems, administrators and the consortium office.
3. Everything else can carry a person's data: it is written by systems, and by people who speak for an institution; a resident writes
   Consents about the own record (`access.consent` sees to that).
4. Such people write about patients within their scope only, and about one patient at a time: every reference is looked up in their scope.
5. They register a patient with their own institution, and neither hand over nor delete a patient of another institution.
6. What is about nobody and not shared is confined to the institution that wrote it; written by a system, it is for systems.
7. Who is one person with whom is the region's to say: a Person counts as being about several, whomever it gathers.
8. Who does not see everything does not choose ids: an id that is taken where one sees nothing must look like one that is free.
9. What one house wrote is changed by that house, or by systems of the region: to see a record is not to write in it.
"""

from __future__ import annotations

from typing import Any

from yilian.errors import Forbidden, InvalidResource, MethodNotAllowed
from yilian.fhir.compartments import SHARED_TYPES
from yilian.store.change import KEEP, Change
from yilian.store.rights import Letter
from yilian.store.scope import Scope

KEEPERS_OF_THE_DIRECTORY = frozenset({"admin", "office"})
SEVERAL = -1
WRITTEN_TOGETHER = frozenset({"Patient", "RelatedPerson", "Person", "Consent"})
"""Left out of rule 9: who somebody is, every house that knows the person keeps up to date, within rules 5 and 7; a consent is
the patient's, who takes it back anywhere (`access.consent`)."""
LETTERS: dict[str, tuple[Letter, ...]] = {"POST": ("c",), "PUT": ("c", "u"), "PATCH": ("u",), "DELETE": ("d",)}
"""What a token must allow for each, at least one."""


def may_write(scope: Scope, change: Change) -> None:
    """Rules 1 to 3. Raises Forbidden; MethodNotAllowed for the trail, whoever asks and by whatever road."""
    if change.type == "AuditEvent":
        raise MethodNotAllowed(
            "AuditEvents are written by the server itself for every access; they can only be read and searched.", expression=change.place
        )
    if not scope.may_write or not _may_write_some(scope, change):
        raise Forbidden(
            f"Your sign-in does not allow writing {change.type}.", zh="您的登录权限不允许写入此类资料。", expression=change.place
        )
    if scope.reach == "everything":
        return
    if change.type in SHARED_TYPES:
        if not scope.roles & KEEPERS_OF_THE_DIRECTORY:
            raise Forbidden(
                f"{change.type} is kept by administrators and the consortium office.",
                zh="此类资料由系统管理员或医联体办公室维护。",
                expression=change.place,
            )
    elif change.type == "Consent" and scope.reach == "self":
        return
    elif scope.reach != "grounds" or not scope.institution_rid:
        raise Forbidden(
            f"{change.type} is written by people who speak for an institution, or by systems.",
            zh="只有医疗机构人员可以写入此类资料。",
            expression=change.place,
        )


def _may_write_some(scope: Scope, change: Change) -> bool:
    """Whether the token allows this with at least some of the type; with which, `may_change` says once it is known what there is."""
    if scope.rights is None:
        return scope.writes is None or change.type in scope.writes
    letters: tuple[Letter, ...] = LETTERS[change.method]
    return any(kinds is None or change.type in kinds for kinds in (scope.rights.of(letter).kinds() for letter in letters))


def may_change(scope: Scope, change: Change, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """For a token that allows parts of a type, or not all that can be done with it: what is created must be allowed, and what is changed or
    deleted both as it was and as it will be. Raises Forbidden. `before`: None where there is none; `after`: None for a deletion."""
    if scope.rights is None:
        return
    letter: Letter = "c" if before is None else "d" if after is None else "u"
    allowed = scope.rights.of(letter)
    if all(one is None or allowed.admits(one) for one in (before, after)):
        return
    raise Forbidden(
        f"Your token's scope does not allow this with this {change.type}, as it is or as it would become.",
        zh="所用应用的授权范围不包括这项资料的该操作。",
        expression=change.place,
    )


def may_name(scope: Scope, change: Change) -> None:
    """Rule 8, for a PUT to an id under which this scope sees nothing, taken or free. Raises MethodNotAllowed.

    Systems of the region see what is taken, and so does everyone of `SHARED_TYPES`. FHIR R4 leaves it to the server whether clients name
    resources: http://hl7.org/fhir/R4/http.html#upsert
    """
    if scope.reach == "everything" or change.type in SHARED_TYPES:
        return
    raise MethodNotAllowed(
        f"There is no {change.type}/{change.id} that you may change. A new {change.type} gets its id here: POST it, or PUT it with a"
        " condition and without an id.",
        expression=change.place,
        zh="没有找到该记录,或您无权修改;新建记录请用 POST,由系统分配 id。",
    )


def may_register(scope: Scope, change: Change, resource: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Rule 5, for a Patient: `current` is the version before, None when it is new. Raises InvalidResource or Forbidden."""
    if scope.reach == "everything":
        return
    place = f"{change.place or 'Patient'}.managingOrganization"
    wanted = _managing(resource)
    if current is None:
        if not wanted:
            raise InvalidResource(
                f"A new Patient needs managingOrganization: your institution, {scope.institution}.",
                zh="请填写患者的管理机构(本机构)。",
                expression=place,
                code="required",
            )
        if wanted != scope.institution:
            raise Forbidden(
                f"You register patients with your own institution, {scope.institution}.", zh="只能在本机构登记患者。", expression=place
            )
        return
    before = _managing(current)
    if wanted != before and scope.institution not in (before, wanted if not before else ""):
        raise Forbidden(
            "Only the institution that manages a patient hands the patient over to another.",
            zh="只有患者当前的管理机构可以变更管理机构。",
            expression=place,
        )


def may_delete(scope: Scope, change: Change, current: dict[str, Any] | None) -> None:
    """Rule 5, for the deletion of a Patient. Raises Forbidden."""
    if scope.reach != "everything" and _managing(current or {}) != scope.institution:
        raise Forbidden(
            "Only the institution that manages a patient deletes the registration.",
            zh="只有患者当前的管理机构可以删除患者登记。",
            expression=change.place,
        )


def may_alter(scope: Scope, change: Change, origin: int | None, confined: int | None, before: dict[str, Any] | None) -> None:
    """Rule 9, for an update, patch or deletion of what there is, also of what was deleted. Raises Forbidden.

    origin, confined   of the row: the house it comes from (`origins`), None for the region; the one house it is confined to
    before             the version before, None where it was deleted

    A room that lends its permission (`scope.lent`) has rules of its own for who takes which step, and is not asked. A Task is a matter
    between two: the house it was given to, or the person, says what became of it.
    """
    if scope.reach != "grounds" or scope.is_lent or change.type in SHARED_TYPES or change.type in WRITTEN_TOGETHER:
        return
    if scope.institution_rid and scope.institution_rid == (origin or confined):
        return
    if change.type == "Task" and change.method != "DELETE" and _referred(before or {}, "owner") in (scope.institution, scope.agent):
        return
    raise Forbidden(
        f"This {change.type} was written by another institution, and is changed there. Write one of your own that says what you know.",
        zh="该记录由其他机构书写,只能由书写机构修改;如有补充或更正,请另写一条。",
        expression=change.place,
    )


def patient_of(scope: Scope, change: Change, patients: set[int]) -> int | None:
    """Rules 4 and 7: what is stored in `resource.patient` for a resource about these patients (their rids). Raises Forbidden."""
    if len(patients) < 2 and change.type != "Person":
        return next(iter(patients), None)
    if not patients:
        return None
    if scope.reach != "everything":
        raise Forbidden(
            f"This {change.type} is about several patients; only the region's systems write such.",
            zh="一份记录只能涉及一位患者。",
            expression=change.place or change.type,
        )
    return SEVERAL


def confined_to(scope: Scope, change: Change, patient: int | None, before: tuple[int | None, int | None] | None) -> int | None:
    """Rule 6: what is stored in `resource.confined`. `before`: (patient, confined) of the version before, None when there is none."""
    if change.confined is not KEEP:
        return change.confined
    if change.type in SHARED_TYPES:
        return None
    if patient is None:
        return before[1] if before and before[0] is None else (scope.institution_rid if scope.reach == "grounds" else None)
    # A confinement that came from being about nobody ends as soon as it is about somebody.
    return before[1] if before and before[0] is not None else None


def _managing(resource: dict[str, Any]) -> str:
    return _referred(resource, "managingOrganization")


def _referred(resource: dict[str, Any], element: str) -> str:
    """The reference in this element as it stands there, "" for none."""
    value = resource.get(element)
    reference = value.get("reference") if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else ""
