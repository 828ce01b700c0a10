"""The whole house, as for tests/http."""

from tests.http.conftest import server

__all__ = ["server"]
