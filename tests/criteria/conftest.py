"""A server on a furnished database, as in tests/http."""

from tests.http.conftest import furnished, furnished_dsn, server

__all__ = ["furnished", "furnished_dsn", "server"]
