"""Narrative after a patch: text that says what the data said before is not left beside the data of now.

"The server SHALL ensure that the narrative in a resource is not clinically unsafe after the PATCH operation is performed", FHIR R4:
http://hl7.org/fhir/R4/http.html#patch. Text that was generated from the data holds nothing else, so it goes; text that holds more than the
data is its author's to bring up to date.
"""

from __future__ import annotations

from typing import Any

from yilian.errors import InvalidResource

DERIVED = ("generated", "empty")
"""Narrative.status of text that holds nothing the data does not; http://hl7.org/fhir/R4/valueset-narrative-status.html"""


def keep_safe(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """`after`, without its text where that was generated from data that is different now.

    `before` is without id and meta; a patch of those alone makes no text wrong, nor does one that brings its own text.
    Raises InvalidResource where the text may hold more than the data does and the patch leaves it as it was.
    """
    text = after.get("text")
    if text is None or text != before.get("text"):
        return after
    now = {key: value for key, value in after.items() if key not in ("id", "meta")}
    if now == before:
        return after
    if isinstance(text, dict) and text.get("status") in DERIVED:
        return {key: value for key, value in after.items() if key != "text"}
    raise InvalidResource(
        f"The narrative of this {after.get('resourceType')} may say more than its data; a patch of the data has to bring the text"
        " up to date as well (text.div), or take it out.",
        expression=f"{after.get('resourceType')}.text",
        zh="该资料带有人工撰写的叙述文本,修改数据时须同时更新或删除叙述(text)。",
    )
