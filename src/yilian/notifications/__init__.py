"""消息: telling people what happened, in their inbox and outside of it, and calling pages that are open.

    await notifications.tell(tx, Message("referral.accept", (Reader.post(rid, "gp"),), "Task/…", patient, {"patient": "李秀英", …}))

`tell` writes in the caller's transaction. Words are data (`templates.toml`). What goes outside is delivered by jobs (`sending`, `delivery`)
through gateways (`gateways`); `live` calls pages. docs/reference/notifications.md
"""

from yilian.notifications.messages import BadMessage, Message, Reader
from yilian.notifications.telling import tell, withdraw

__all__ = ["BadMessage", "Message", "Reader", "tell", "withdraw"]
