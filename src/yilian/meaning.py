"""What an error of PostgreSQL means to whoever asked for something.

Away or overloaded → Unavailable (503, may be sent again), lost a race → Unavailable or Conflict, took too long → TooLarge, a full disk →
NoRoom, a value it cannot hold → BadRequest. The rest is a fault of ours and stays what it is.
"""

from __future__ import annotations

import asyncpg

from yilian.disk import no_room
from yilian.errors import BadRequest, Conflict, TooLarge, Unavailable, YilianError
from yilian.writers import is_overtaken

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,  # the connection broke off in the middle of a statement; it is not used again
    ConnectionError,
)
_LOST_A_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_BROKE_A_RULE = (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError, asyncpg.CheckViolationError)
OPEN_ENDED = (*_AWAY, asyncpg.InterfaceError)
"""What leaves open whether a statement was carried out."""
_TOOK_TOO_LONG = (asyncpg.QueryCanceledError, TimeoutError)


class Overtaken(Unavailable):
    """Another writer changed what this one relied on; nothing was stored."""


class LostARace(Unavailable):
    """The database ended one of several that waited for each other; nothing was stored, and a moment later it would go through."""


class Late(Overtaken):
    """What was to be written waited so long that it has to be made anew; nothing was sent."""


def overtaken(kind: type[Overtaken] = Overtaken) -> Overtaken:
    return kind("Another writer was in the way; nothing was stored. Send it again.", zh="与他人的操作冲突,未写入,请重试。", retry_after_s=1)


def meaning(error: Exception, *, writing: bool, connecting: bool = False) -> YilianError | None:
    """What a database error means to the caller; None when it is a fault of ours."""
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error.__context__, (asyncpg.PostgresError, ConnectionError)):
        error = error.__context__  # the roll-back failed because of what had gone wrong before it
    if isinstance(error, asyncpg.DiskFullError):
        return no_room(f"{error.args[0]}.")
    closed = isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)  # other InterfaceErrors are a misuse of the driver
    if closed or isinstance(error, _AWAY) or (connecting and isinstance(error, OSError)):
        unknown = " It may or may not have been stored; look before sending it again." if writing else ""
        return Unavailable(f"The database does not answer.{unknown}", zh="数据库暂时无法连接,请稍后重试。", retry_after_s=5)
    if isinstance(error, _TOOK_TOO_LONG):
        if writing:
            return Unavailable(
                "The database took too long to store this; nothing was stored.",
                zh="保存超时,未写入任何内容,请重试。",
                code="timeout",
                retry_after_s=5,
            )
        return TooLarge(
            "This would take the database too long; ask for less at once.", zh="查询范围过大,请缩小范围后重试。", code="too-costly"
        )
    if is_overtaken(error):
        return overtaken()
    if isinstance(error, _LOST_A_RACE):
        return LostARace(
            "Another writer was in the way; nothing was stored. Send it again.", zh="与他人的操作冲突,未写入,请重试。", retry_after_s=1
        )
    if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == "resource_type_id":
        return Conflict(
            "Somebody else created this resource at the same moment. Send it again to update it.", zh="他人刚刚创建了同一条记录,请重试。"
        )
    if isinstance(error, _BROKE_A_RULE):
        return Conflict(
            f"This would break a rule of the store ({error.constraint_name or 'unnamed'}); nothing was stored.",
            zh="与已有数据冲突,未写入。",
        )
    if isinstance(error, asyncpg.ProgramLimitExceededError):
        return TooLarge(
            "A value is longer than can be searched by; shorten the names, codes or identifiers.", zh="某个字段过长,无法建立索引。"
        )
    if isinstance(error, asyncpg.DataError):
        return BadRequest(
            "A value lies outside what can be stored or searched for (a NUL character, a number or date out of range).",
            zh="存在无法处理的取值。",
        )
    return None
