"""GET /oauth2/userinfo: who the holder of the token is. OpenID Connect Core §5.3, with what the pages need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from yilian.http.oauth.edge import of_json

if TYPE_CHECKING:
    from yilian.http.oauth.edge import Edge


async def userinfo(edge: Edge, request: Request) -> Response:
    """`institution` and `patient` are null where there is none; `roles` are codes of `urls.ROLE`."""
    here = await edge.verifier.standing_of(request.headers.get("authorization", ""))
    scope, institution = here.scope, here.institution
    return of_json(
        {
            "sub": scope.user,
            "name": scope.name,
            "roles": sorted(scope.roles),
            "institution": {"reference": institution.reference, "name": institution.name, "tier": institution.tier}
            if institution
            else None,
            "agent": scope.agent,
            "fhirUser": scope.agent,
            "patient": here.patient or None,
        }
    )
