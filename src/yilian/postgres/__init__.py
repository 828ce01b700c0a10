"""The embedded PostgreSQL: a real server in the data folder, so that a bare machine needs no database.

The programs come from a wheel; nothing of the server is imitated or patched. It listens on a unix socket that only its own account and
the caller may open (peer authentication, no TCP), and it ends with the process that started it, however that one ends.
The same code runs on a server of one's own with `--database-url` (PostgreSQL 15 or newer); then nothing of this folder is used.

    server = Embedded(Path(".yilian"))
    dsn = server.start()
    ...
    server.stop()
"""

from yilian.postgres.folder import DataFolderBusy, DataFolderUnusable
from yilian.postgres.programs import ProgramsUnusable
from yilian.postgres.server import Embedded, PostgresFailed, address_of_running

__all__ = ["DataFolderBusy", "DataFolderUnusable", "Embedded", "PostgresFailed", "ProgramsUnusable", "address_of_running"]
