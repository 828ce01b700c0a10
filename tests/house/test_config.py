"""Settings: where they come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from yilian import config
from yilian.config import BadSetting, Settings

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_with_nothing_said_the_defaults_hold(tmp_path: Path) -> None:
    assert config.read({"data": tmp_path}, environment={}) == Settings(data=tmp_path)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "yilian.toml").write_text('port = 1001\nhost = "0.0.0.0"\nworkers = 3\n')
    read = config.read({"data": tmp_path, "port": 1003, "workers": None}, environment={"YILIAN_PORT": "1002", "YILIAN_HOST": "::1"})
    assert (read.port, read.host, read.workers) == (1003, "::1", 3)


def test_the_environment_says_where_the_data_folder_with_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "yilian.toml").write_text("port = 1001\n")
    assert config.read(environment={"YILIAN_DATA": str(tmp_path)}).port == 1001


def test_a_named_file_is_read_instead_of_the_one_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "yilian.toml").write_text("port = 1001\n")
    (tmp_path / "other.toml").write_text(f'workers = 2\ndata = "{tmp_path}"\n')
    for read in (
        config.read({"data": tmp_path}, config=tmp_path / "other.toml", environment={}),
        config.read(environment={"YILIAN_CONFIG": str(tmp_path / "other.toml")}),
    ):
        assert (read.port, read.workers, read.data) == (8080, 2, tmp_path)


@pytest.mark.parametrize(
    ("file", "environment", "says"),
    [
        ("prot = 1", {}, "sets `prot`.*Did you mean `port`"),
        ("port = '1'", {}, "`port` must be a whole number"),
        ("port = true", {}, "`port` must be a whole number"),
        ("port = 70000", {}, "`port` must be from 0 to 65535, not 70000"),
        ("audit_strict = 1", {}, "`audit_strict` must be true or false"),
        ("log_level = 'loud'", {}, "`log_level` must be one of debug, info"),
        ("data = '/x'", {}, "cannot be set by the file in the data folder"),
        ("port = ", {}, "cannot be read as TOML"),
        ("\x00", {}, "cannot be read as TOML"),
        ("", {"YILIAN_PROT": "1"}, "sets YILIAN_PROT.*Did you mean `port`"),
        ("", {"YILIAN_qqqq": "1"}, "no such setting. Settings are: data, "),
        ("", {"YILIAN_port": "1"}, "sets YILIAN_port"),
        ("", {"YILIAN_PORT": "eighty"}, "YILIAN_PORT must be a whole number, not 'eighty'"),
        ("", {"YILIAN_WORKERS": "0"}, "`workers` must be from 1"),
        ("", {"YILIAN_AUDIT_STRICT": "maybe"}, "YILIAN_AUDIT_STRICT must be true or false"),
        ("", {"YILIAN_ZONE": "Asia/Nowhere"}, "`zone` must be an IANA time zone"),
        ("", {"YILIAN_ZONE": "../../etc/passwd"}, "`zone` must be an IANA time zone"),
        ("", {"YILIAN_DATABASE_URL": "mysql://x"}, "`database_url` must start with postgresql://"),
        ("", {"YILIAN_PUBLIC_URL": "https://x/"}, "`public_url` must"),
        ("", {"YILIAN_CONFIG": "/nowhere/yilian.toml"}, "/nowhere/yilian.toml, is not there"),
    ],
)
def test_what_is_unknown_or_impossible_is_refused_by_name(tmp_path: Path, file: str, environment: dict[str, str], says: str) -> None:
    (tmp_path / "yilian.toml").write_text(file)
    with pytest.raises(BadSetting, match=says):
        config.read({"data": tmp_path}, environment=environment)


def test_variables_of_tests_and_of_others_are_left_alone(tmp_path: Path) -> None:
    others = {"YILIAN_SHARED_DATA": "/x", "PORT": "x", "PGHOST": "y"}
    assert config.read({"data": tmp_path}, environment=others) == config.read({"data": tmp_path}, environment={})


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("No", False), ("FALSE", False)])
def test_yes_and_no_may_be_written_as_people_do(tmp_path: Path, text: str, value: bool) -> None:
    assert config.read({"data": tmp_path}, environment={"YILIAN_AUDIT_STRICT": text}).audit_strict is value


def test_every_setting_is_documented_as_it_is() -> None:
    assert config.reference() in DOCS.read_text(encoding="utf-8"), (
        "docs/reference/configuration.md is behind: put `python -c 'from yilian import config; print(config.reference())'` in it"
    )
