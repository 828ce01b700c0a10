"""Every failure becomes an OperationOutcome here, and nowhere else.

What the person needs to know goes out; SQL, stack traces and other people's data go to the server's log under the request id.
"""

from __future__ import annotations

import logging

import asyncpg

from yilian.errors import Conflict, NotSignedIn, TooLarge, Unavailable, YilianError
from yilian.fhir.json import dump
from yilian.fhir.outcome import outcome
from yilian.http.answer import Answer

log = logging.getLogger("yilian.http")


def answer_for(error: BaseException, request_id: str) -> Answer:
    """The response for whatever went wrong. Unknown errors are logged with their trace and answered without detail."""
    known = error if isinstance(error, YilianError) else _translated(error)
    if known is None:
        log.error("request %s failed", request_id, exc_info=error)
        known = YilianError(
            f"The server failed to handle this request. Nothing was stored. Tell the operator the request id {request_id}.",
            zh=f"服务器处理出错,未保存任何内容。请把请求号 {request_id} 告诉管理员。",
        )
    headers: list[tuple[bytes, bytes]] = []
    if known.retry_after_s is not None:
        headers.append((b"retry-after", str(known.retry_after_s).encode()))
    if isinstance(known, NotSignedIn):
        headers.append((b"www-authenticate", b'Bearer realm="yilian"'))
    return Answer(known.status, dump(outcome(known.issues)), headers)


def _translated(error: BaseException) -> YilianError | None:
    """What the database says, in our own words; None for what we do not know."""
    if isinstance(error, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)):
        return Unavailable(
            "Another request was changing the same thing; send this one again.", zh="他人正在修改同一内容,请重试。", retry_after_s=1
        )
    if isinstance(error, (asyncpg.QueryCanceledError, TimeoutError)):
        return Unavailable(
            "The request took too long and was stopped; narrow it and try again.",
            zh="查询时间过长已停止,请缩小范围后重试。",
            retry_after_s=5,
        )
    if isinstance(error, (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.InterfaceError, ConnectionError)):
        return Unavailable("The database does not answer.", zh="数据库暂时无法连接,请稍后重试。", retry_after_s=5)
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return Unavailable("The database has no connection to spare.", zh="系统繁忙,请稍后重试。", retry_after_s=2)
    if isinstance(error, (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError, asyncpg.RaiseError)):
        log.warning("a constraint refused a write: %s", getattr(error, "constraint_name", None) or type(error).__name__)
        return Conflict(
            "Somebody else changed this at the same time; read it again and repeat the change.", zh="内容已被他人修改,请刷新后重试。"
        )
    if isinstance(error, (RecursionError, MemoryError)):
        return TooLarge("The request is nested too deeply or too large.", zh="提交的内容过大或嵌套过深。")
    return None
