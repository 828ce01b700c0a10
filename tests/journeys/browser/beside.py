"""What a browser cannot do, beside the server: let time pass, and take back what the next journeys would stumble on."""

from __future__ import annotations

import subprocess
import sys

from tests.journeys.browser.conftest import Site

RUN = """
import asyncio, asyncpg, sys
async def run():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute(sys.argv[2])
asyncio.run(run())
"""


def time_passes(site: Site, sql: str) -> None:
    """Change what is stored, as if it had come to be so meanwhile."""
    subprocess.run([sys.executable, "-c", RUN, site.database, sql], check=True, capture_output=True, timeout=60)
