"""Signing in and tokens over HTTP: /oauth2/* and the documents under /.well-known that tell of them.

The rules are in `access/`; here requests are read, cookies set and answers written. One file for each subject.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from yilian.access.federation import Federation
from yilian.access.settings import DEFAULTS, AccessSettings
from yilian.access.tokens import Verifier
from yilian.db import Database
from yilian.http.limits import NONE, Limits
from yilian.http.oauth import accounts, authorize, discovery, launch, own, provider, sign_in, token, userinfo
from yilian.http.oauth.discovery import smart_configuration
from yilian.http.oauth.edge import Edge


def routes(db: Database, verifier: Verifier, settings: AccessSettings = DEFAULTS, limits: Limits = NONE) -> list[BaseRoute]:
    """The routes of sign-in, from the root of the server. `/fhir/.well-known/smart-configuration` is the FHIR interface's: it calls
    `smart_configuration`."""
    edge = Edge(db, verifier, settings, limits, Federation(db, settings))
    return [
        Route("/oauth2/authorize", edge.answering(authorize.authorize), methods=["GET"]),
        Route("/oauth2/sign-in", edge.answering(sign_in.sign_in), methods=["POST"]),
        Route("/oauth2/sign-in/second-factor", edge.answering(sign_in.second_factor), methods=["POST"]),
        Route("/oauth2/sign-in/passkey-options", edge.answering(sign_in.passkey_options), methods=["POST"]),
        Route("/oauth2/sign-in/passkey", edge.answering(sign_in.passkey), methods=["POST"]),
        Route("/oauth2/sign-in/password", edge.answering(sign_in.new_password), methods=["POST"]),
        Route("/oauth2/providers", edge.answering(provider.listed), methods=["GET"]),
        Route("/oauth2/provider", edge.answering(provider.begin), methods=["POST"]),
        Route("/oauth2/provider/link", edge.answering(provider.link), methods=["POST"]),
        Route("/oauth2/provider/{id}/back", edge.answering(provider.back), methods=["GET"]),
        Route("/oauth2/launches", edge.answering(launch.offered), methods=["GET"]),
        Route("/oauth2/launch", edge.answering(launch.begin), methods=["POST"]),
        Route("/oauth2/launch/patient", edge.answering(launch.choose), methods=["GET", "POST"]),
        Route("/oauth2/account", edge.answering(own.view), methods=["GET"]),
        Route("/oauth2/account/password", edge.answering(own.password), methods=["POST"]),
        Route("/oauth2/account/app", edge.answering(own.begin_app), methods=["POST"]),
        Route("/oauth2/account/app/confirm", edge.answering(own.confirm_app), methods=["POST"]),
        Route("/oauth2/account/app/remove", edge.answering(own.remove_app), methods=["POST"]),
        Route("/oauth2/account/passkey-options", edge.answering(own.passkey_options), methods=["POST"]),
        Route("/oauth2/account/passkeys", edge.answering(own.add_passkey), methods=["POST"]),
        Route("/oauth2/account/passkeys/remove", edge.answering(own.remove_passkey), methods=["POST"]),
        Route("/oauth2/account/recovery-codes", edge.answering(own.renew_codes), methods=["POST"]),
        Route("/oauth2/account/sessions", edge.answering(own.sessions), methods=["GET"]),
        Route("/oauth2/account/sessions/end", edge.answering(own.end_session), methods=["POST"]),
        Route("/oauth2/accounts", edge.answering(accounts.accounts), methods=["GET", "POST"]),
        Route("/oauth2/accounts/-/roles", edge.answering(accounts.roles), methods=["GET"]),
        Route("/oauth2/accounts/-/import", edge.answering(accounts.take_in), methods=["POST"]),
        Route("/oauth2/accounts/{name}/{act}", edge.answering(accounts.act), methods=["POST"]),
        Route("/oauth2/sign-out", edge.answering(sign_in.sign_out), methods=["POST"]),
        Route("/oauth2/token", edge.answering(token.token, oauth=True), methods=["POST"]),
        Route("/oauth2/revoke", edge.answering(token.revoke, oauth=True), methods=["POST"]),
        Route("/oauth2/introspect", edge.answering(token.introspect, oauth=True), methods=["POST"]),
        Route("/oauth2/userinfo", edge.answering(userinfo.userinfo), methods=["GET", "POST"]),
        Route("/oauth2/jwks", edge.answering(discovery.jwks), methods=["GET"]),
        Route("/.well-known/openid-configuration", edge.answering(discovery.openid_configuration), methods=["GET"]),
    ]


__all__ = ["routes", "smart_configuration"]
