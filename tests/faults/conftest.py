"""The whole house, as for tests/http."""

from tests.http.conftest import furnished, furnished_dsn, server

__all__ = ["furnished", "furnished_dsn", "server"]
