"""What a killed run of the tests left behind is cleared away by the next one, and what somebody is still at is not."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

from tests.conftest import FOLDERS, folder_of_ones_own


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_living_one_stays() -> None:
    with tempfile.TemporaryDirectory(prefix=FOLDERS) as living, folder_of_ones_own() as other:
        killed = Path(tempfile.mkdtemp(prefix=FOLDERS))
        (killed / "owner").touch()
        (killed / "data").mkdir()
        with (Path(living) / "owner").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with folder_of_ones_own() as own:
                assert not killed.exists()
                assert (Path(living) / "owner").exists()
                assert (other / "owner").exists()
                assert (own / "owner").exists()
    assert not own.exists()
