"""Every failure becomes an OperationOutcome here, and nowhere else.

What the person needs to know goes out; SQL, stack traces and other people's data go to the server's log under the request id.
"""

from __future__ import annotations

import errno
import logging

from yilian.disk import no_room
from yilian.errors import NotSignedIn, TooLarge, YilianError
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
    body = outcome(known.issues)
    if known.extension:
        body["extension"] = list(known.extension)
    return Answer(known.status, dump(body), headers)


def _translated(error: BaseException) -> YilianError | None:
    """What can still be said of an error that no room has named (the database's are named in `db.py`); None for a fault of ours."""
    if isinstance(error, (RecursionError, MemoryError)):
        return TooLarge("The request is nested too deeply or too large.", zh="提交的内容过大或嵌套过深。")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):  # a file of an import
        return no_room(f"{error.strerror}.")
    return None
