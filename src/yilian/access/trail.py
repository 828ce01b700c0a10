"""What signing in and out leaves in the audit trail. GB/T 22239-2019 8.1.4.3 a); IHE ATNA User Authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yilian.audit.note import (
    LOGIN,
    LOGOUT,
    MINOR_FAILURE,
    SECURITY_ALERT,
    SUCCESS,
    USER_ATTRIBUTES_CHANGED,
    USER_AUTHENTICATION,
    Note,
    write,
)
from yilian.store.scope import Scope

if TYPE_CHECKING:
    from yilian.db import Tx


async def note_sign_in(tx: Tx, scope: Scope, what: str = "") -> None:
    """Somebody signed in, or an application was given a token. Written in `tx`."""
    await write(tx, [_note(tx, scope, LOGIN, SUCCESS, what)])


async def note_sign_out(tx: Tx, scope: Scope) -> None:
    await write(tx, [_note(tx, scope, LOGOUT, SUCCESS, "")])


async def note_failure(tx: Tx, scope: Scope, why: str, *, outcome: str = MINOR_FAILURE) -> None:
    """A sign-in that was refused. Where the name given belongs to nobody it is not kept: people type passwords into that field."""
    await write(tx, [_note(tx, scope, LOGIN, outcome, why)])


async def note_change(tx: Tx, by: Scope, name: str, what: str) -> None:
    """Something about the account `name` was changed by somebody, perhaps its owner."""
    note = Note(
        tx.now,
        SECURITY_ALERT,
        USER_ATTRIBUTES_CHANGED,
        "U",
        outcome_text=f"{what}: {name}",
        account=by.user,
        agent=by.agent,
        name=by.name,
        client=by.client or "yilian-cli",
        roles=" ".join(sorted(by.roles)),
        institution=by.institution,
        purpose="HSYSADMIN",
        request_id=by.request_id,
        address=by.address,
    )
    await write(tx, [note])


def _note(tx: Tx, scope: Scope, subtype: str, outcome: str, text: str) -> Note:
    return Note(
        tx.now,
        USER_AUTHENTICATION,
        subtype,
        "E",
        outcome,
        text,
        account=scope.user,
        agent=scope.agent,
        name=scope.name,
        client=scope.client,
        roles=" ".join(sorted(scope.roles)),
        institution=scope.institution,
        request_id=scope.request_id,
        address=scope.address,
    )
