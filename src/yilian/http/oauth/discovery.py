"""What other systems read first: our endpoints, keys and abilities.

OpenID Connect Discovery 1.0, RFC 8414, SMART App Launch 2 (.well-known/smart-configuration).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from yilian.access import assertions, keys
from yilian.access.oauth import CLIENT_METHODS, CONFIDENTIAL_METHODS
from yilian.http.oauth.edge import of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge

SCOPES = [
    "openid", "fhirUser", "profile", "online_access", "launch", "launch/patient", "user/*.cruds", "user/*.*", "patient/*.rs",
    "patient/*.read", "system/*.cruds", "system/*.*", "system/*.read",
]  # fmt: skip
"""Examples: any subset of `cruds` for any type, and parts of types, are understood too."""


def smart_configuration(origin: str) -> dict[str, Any]:
    """The SMART configuration for callers who reach us at `origin` ("https://host")."""
    return {
        **_common(origin),
        "capabilities": [
            "launch-ehr",
            "launch-standalone",
            "client-public",
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "sso-openid-connect",
            "context-banner",
            "context-ehr-patient",
            "context-standalone-patient",
            "permission-online",
            "permission-user",
            "permission-patient",
            "permission-v1",
            "permission-v2",
        ],
    }


async def openid_configuration(edge: Edge, request: Request) -> Response:
    origin = edge.origin(request)
    document = {
        **_common(origin),
        "userinfo_endpoint": f"{origin}/oauth2/userinfo",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.ALGORITHM],
        "claims_supported": ["sub", "iss", "aud", "iat", "exp", "auth_time", "amr", "nonce", "at_hash", "name", "fhirUser"],
        "response_modes_supported": ["query"],
        "prompt_values_supported": ["none", "login"],
        "authorization_response_iss_parameter_supported": True,
    }
    return of_json(document, headers={"cache-control": "public, max-age=300"})


async def jwks(edge: Edge, request: Request) -> Response:
    """The public keys. Kept for a few minutes by others, so a new key is published before it signs (`keys.rotate`)."""
    async with edge.db.reading() as tx:
        document = keys.published(await keys.usable(tx))
    return of_json(document, headers={"cache-control": "public, max-age=300"})


def _common(origin: str) -> dict[str, Any]:
    return {
        "issuer": origin,
        "jwks_uri": f"{origin}/oauth2/jwks",
        "authorization_endpoint": f"{origin}/oauth2/authorize",
        "token_endpoint": f"{origin}/oauth2/token",
        "revocation_endpoint": f"{origin}/oauth2/revoke",
        "introspection_endpoint": f"{origin}/oauth2/introspect",
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "scopes_supported": SCOPES,
        "token_endpoint_auth_methods_supported": CLIENT_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(assertions.ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": CLIENT_METHODS,
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL_METHODS,
        "code_challenge_methods_supported": ["S256"],
    }
