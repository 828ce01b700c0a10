"""Signing in and tokens over HTTP: /oauth2/* and the documents under /.well-known that tell of them.

The rules are in `access/`; here requests are read, cookies set and answers written. One file for each subject.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from yilian.access.settings import DEFAULTS, AccessSettings
from yilian.access.tokens import Verifier
from yilian.db import Database
from yilian.http.oauth import authorize, discovery, sign_in, token, userinfo
from yilian.http.oauth.discovery import smart_configuration
from yilian.http.oauth.edge import Edge


def routes(db: Database, verifier: Verifier, settings: AccessSettings = DEFAULTS) -> list[BaseRoute]:
    """The routes of sign-in, from the root of the server. `/fhir/.well-known/smart-configuration` is the FHIR interface's: it calls
    `smart_configuration`."""
    edge = Edge(db, verifier, settings)
    return [
        Route("/oauth2/authorize", edge.answering(authorize.authorize), methods=["GET"]),
        Route("/oauth2/sign-in", edge.answering(sign_in.sign_in), methods=["POST"]),
        Route("/oauth2/sign-out", edge.answering(sign_in.sign_out), methods=["POST"]),
        Route("/oauth2/token", edge.answering(token.token, oauth=True), methods=["POST"]),
        Route("/oauth2/revoke", edge.answering(token.revoke, oauth=True), methods=["POST"]),
        Route("/oauth2/introspect", edge.answering(token.introspect, oauth=True), methods=["POST"]),
        Route("/oauth2/userinfo", edge.answering(userinfo.userinfo), methods=["GET", "POST"]),
        Route("/oauth2/jwks", edge.answering(discovery.jwks), methods=["GET"]),
        Route("/.well-known/openid-configuration", edge.answering(discovery.openid_configuration), methods=["GET"]),
    ]


__all__ = ["routes", "smart_configuration"]
