"""/.well-known/health-card-keys.json: the public keys a code of the health card is checked with, for anybody, without signing in.

A desk fetches it while it has network and checks codes when it has none (`yilian card verify`, docs/reference/health-card.md).
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from yilian.db import Database
from yilian.http.oauth.edge import id_of
from yilian.http.outcome import answer_for
from yilian.identity import card_code, card_keys

ADDRESS = "/.well-known/health-card-keys.json"


class CardKeys:
    """The endpoint."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def answer(self, request: Request) -> Response:
        try:
            async with self.db.reading() as tx:
                document = card_code.published(await card_keys.usable(tx))
        except Exception as error:  # every failure leaves as an answer; what is unknown is logged there
            refused = answer_for(error, id_of(request))
            return Response(refused.body, refused.status, media_type=refused.content_type.decode())
        headers = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*", "x-content-type-options": "nosniff"}
        return Response(msgspec.json.encode(document), headers=headers, media_type="application/jwk-set+json")
