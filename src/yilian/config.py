"""Every setting of the server: read once, checked at start, unknown ones refused.

A value comes from, in this order: the command line, the environment (`YILIAN_PORT=9000`), one TOML file, the default. The file is the one
named by `--config` or `YILIAN_CONFIG`, else `yilian.toml` in the data folder if it is there. docs/reference/configuration.md holds the
table of `reference()`, and a test compares the two. Rules that differ from region to region are not settings but policy, see `policy.py`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from zoneinfo import ZoneInfo

PREFIX = "YILIAN_"
FILE_NAME = "yilian.toml"
DATA = Path(".yilian")
NOT_SETTINGS = ("YILIAN_CONFIG", "YILIAN_SHARED_DATA", "YILIAN_SERVER")
"""Variables that may be there although they set nothing: the name of the file, where tests and benchmarks find collected data sets, and the
server that a web developer's pages talk to."""


class BadSetting(ValueError):
    """A setting is unknown or has a value it cannot have; the text names it, where it was found, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Says:
    """What a setting means, and what its type does not tell about its values."""

    text: str
    low: int | None = None
    high: int = 0
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one server. Durations end in `_s` and are seconds; sizes end in `_bytes`."""

    data: Annotated[Path, Says("Folder of the embedded database. Not used for the store when `database_url` is set.")] = DATA
    database_url: Annotated[
        str, Says("A PostgreSQL 15 or newer of your own, `postgresql://user:password@host/name`; empty: the embedded one.")
    ] = ""
    disk_reserve_bytes: Annotated[
        int,
        Says("Nothing is stored once less is free on the disk of the embedded database; reads go on. 0: until it is full.", 0, 1024**4),
    ] = 256 * 1024**2
    host: Annotated[str, Says("Address to listen on. Anything but loopback belongs behind a proxy that speaks TLS.")] = "127.0.0.1"
    port: Annotated[int, Says("Port to listen on; 0 takes a free one.", 0, 65535)] = 8080
    workers: Annotated[int, Says("Server processes. One a core is a good number.", 1, 256)] = 1
    connections: Annotated[int, Says("Database connections of each server process.", 2, 200)] = 20
    public_url: Annotated[str, Says("Address under which people and systems reach the server, `https://…`; empty: the one they used.")] = ""
    trusted_proxies: Annotated[str, Says("Addresses whose X-Forwarded-For and -Proto are believed, with commas; `*` for all.")] = (
        "127.0.0.1"
    )
    zone: Annotated[str, Says("Time zone of the region (IANA name): days without a zone are days there.")] = "Asia/Shanghai"
    body_limit_bytes: Annotated[int, Says("The largest request body that is taken.", 1024, 1024**3)] = 32 * 1024**2
    audit_strict: Annotated[
        bool,
        Says(
            "Answer every read only when its audit record is stored, as is always done for sensitive data and for records that stand open"
            " in an emergency; false: the others within 0.2 s."
        ),
    ] = False
    audit_keep_months: Annotated[int, Says("Whole months the audit trail is kept before `yilian audit retire` takes it out.", 6, 1200)] = 36
    audit_anchor: Annotated[
        str,
        Says(
            "File the newest hash of the audit chain is written to every minute, best on another machine; empty: `audit-anchor.log` in the"
            " data folder, with a database of your own: nowhere."
        ),
    ] = ""
    session_s: Annotated[int, Says("A session is over after this time at the latest.", 60, 30 * 86400)] = 43200
    access_token_s: Annotated[int, Says("How long an access token is good.", 60, 86400)] = 900
    key_file: Annotated[
        str,
        Says(
            "Master key of what is sealed at rest, one for all servers of the region; empty: `region.key` in the data folder, made at the"
            " first start with the embedded database."
        ),
    ] = ""
    sealing_suite: Annotated[
        str,
        Says(
            "Algorithms of the first data keys: AES-256-GCM or SM4-GCM; later `yilian key rotate --suite` changes it.", one_of=("aes", "sm")
        ),
    ] = "aes"
    person_requests_per_min: Annotated[
        int, Says("Requests one signed-in person may make in a minute, in each server process; 0: any number.", 0, 10**6)
    ] = 3000
    address_sign_ins_per_min: Annotated[
        int, Says("Sign-ins and tokens one network address may ask for in a minute, in each server process; 0: any number.", 0, 10**6)
    ] = 300
    address_refused_per_min: Annotated[
        int, Says("Requests without a good token one network address may make in a minute, in each process; 0: any number.", 0, 10**6)
    ] = 300
    clamd: Annotated[
        str,
        Says(
            "A clamd that scans what is sent, `host:port` or the path of its socket file: contents are held back until it found them clean."
            " Empty: they are kept as not scanned."
        ),
    ] = ""
    bulk_folder: Annotated[
        str, Says("Folder for files of $export and $import, seen by every server of the region; empty: `bulk` in the data folder.")
    ] = ""
    bulk_keep_s: Annotated[int, Says("How long files of an export can be fetched before they are deleted.", 60, 30 * 86400)] = 86400
    import_hosts: Annotated[
        str, Says("Hosts $import may fetch files from, `host` or `host:port` with commas; empty: none, files are sent in the request.")
    ] = ""
    import_limit_bytes: Annotated[int, Says("The largest file $import takes.", 1024, 1024**4)] = 4 * 1024**3
    import_processes: Annotated[
        int,
        Says("Processes a large $import loads with, 100 MiB each; more than 1 where other cores are to spare.", 1, 64),
    ] = 1
    subscription_hosts: Annotated[
        str,
        Says(
            "Hosts notifications may be sent to although they are in a private network or speak plain http, `host` or `host:port` with"
            " commas; all others must be public and speak https."
        ),
    ] = ""
    mail_server: Annotated[str, Says("Mail server messages are sent by, `host:port`; empty: no mail is sent. Needs `mail_from`.")] = ""
    mail_from: Annotated[str, Says("Address mails come from, and bounces go to.")] = ""
    mail_user: Annotated[str, Says("Name to sign in to the mail server with; empty: no sign-in.")] = ""
    mail_password: Annotated[str, Says("Password for it.")] = ""
    mail_security: Annotated[
        str,
        Says(
            "How the mail server is spoken to; none only within the machine or a network of your own.", one_of=("starttls", "tls", "none")
        ),
    ] = "starttls"
    sms_gateway: Annotated[str, Says("Address of the gateway SMS are handed to, as signed JSON; empty: no SMS are sent.")] = ""
    wechat_gateway: Annotated[str, Says("The same for WeChat (公众号消息).")] = ""
    outbox_folder: Annotated[
        str,
        Says(
            "Folder that takes messages as files in place of a mail server or gateway that is not set, to try a region out; empty: such"
            " ways are not offered."
        ),
    ] = ""
    sign_in_hosts: Annotated[
        str,
        Says(
            "Hosts that key sets of applications, and what an institution's OpenID provider names, may be fetched from although they are in"
            " a private network or speak plain http, `host` or `host:port` with commas; all others must be public and speak https."
        ),
    ] = ""
    jobs_at_once: Annotated[int, Says("Jobs each server process carries out at a time; 0 leaves all of them to `yilian work`.", 0, 64)] = 2
    heavy_jobs: Annotated[
        bool, Says("Whether server processes carry out exports, imports and the like; false leaves those to `yilian work`.")
    ] = True
    match_engine: Annotated[
        str, Says("What weighs all pairs in `yilian match run`; spark needs `pyspark` and Java.", one_of=("duckdb", "spark"))
    ] = "duckdb"
    log_level: Annotated[str, Says("How much is logged.", one_of=("debug", "info", "warning", "error"))] = "info"

    @property
    def region_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def bulk(self) -> Path:
        return Path(self.bulk_folder) if self.bulk_folder else self.data / "bulk"

    @property
    def bulk_keep(self) -> timedelta:
        return timedelta(seconds=self.bulk_keep_s)

    @property
    def audit_anchor_file(self) -> Path | None:
        if self.audit_anchor:
            return Path(self.audit_anchor)
        return None if self.database_url else self.data / "audit-anchor.log"

    @property
    def key_path(self) -> Path:
        return Path(self.key_file) if self.key_file else self.data / "region.key"

    @property
    def session(self) -> timedelta:
        return timedelta(seconds=self.session_s)

    @property
    def access_token(self) -> timedelta:
        return timedelta(seconds=self.access_token_s)


def read(given: Mapping[str, Any] | None = None, *, config: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force.

    `given` is what the command line said (absent or None: nothing), `config` the file it named. Reads the environment and one file at most.
    Raises BadSetting.
    """
    environment = os.environ if environment is None else environment
    told = {name: value for name, value in (given or {}).items() if value is not None}
    from_environment = _from_environment(environment)
    named = config or (Path(environment["YILIAN_CONFIG"]) if environment.get("YILIAN_CONFIG") else None)
    data = Path(told.get("data") or from_environment.get("data") or DATA)
    file = named or data / FILE_NAME
    from_file = _from_file(file, must_exist=named is not None)
    if named is None and "data" in from_file:
        raise BadSetting(f"{file}: `data` cannot be set by the file in the data folder itself; use --data or {PREFIX}DATA.")
    values = {**from_file, **from_environment, **told}
    return _checked(Settings(**values), values)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in _KINDS or variable != variable.upper():
            raise BadSetting(f"The environment sets {variable}, but there is no such setting.{_hint(name)}")
        found[name] = _of_text(variable, _KINDS[name], text)
    return found


def _from_file(file: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise BadSetting(f"The file with settings, {file}, is not there.") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{file} cannot be read as TOML: {error}") from None
    found: dict[str, Any] = {}
    for name, value in table.items():
        kind = _KINDS.get(name)
        if kind is None:
            raise BadSetting(f"{file} sets `{name}`, but there is no such setting.{_hint(name)}")
        wanted = "str" if kind == "Path" else kind
        if type(value).__name__ != wanted:
            raise BadSetting(f"{file}: `{name}` must be {_A_KIND[kind]}, not {value!r}.")
        found[name] = Path(value) if kind == "Path" else value
    return found


def _of_text(where: str, kind: str, text: str) -> Any:
    try:
        match kind:
            case "int":
                return int(text)
            case "bool":
                return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
            case "Path":
                return Path(text)
            case _:
                return text
    except (ValueError, KeyError):
        raise BadSetting(f"{where} must be {_A_KIND[kind]}, not {text!r}.") from None


def _checked(settings: Settings, said: Mapping[str, Any]) -> Settings:
    """What types cannot say. `said` are the values that somebody gave; the defaults need no check."""
    for name in said:
        value, says = getattr(settings, name), _SAYS[name]
        if says.low is not None and not says.low <= value <= says.high:
            raise BadSetting(f"`{name}` must be from {says.low} to {says.high}, not {value}.")
        if says.one_of and value not in says.one_of:
            raise BadSetting(f"`{name}` must be one of {', '.join(says.one_of)}, not {value!r}.")
    try:
        ZoneInfo(settings.zone)
    except (KeyError, ValueError, OSError):
        raise BadSetting(f"`zone` must be an IANA time zone such as Asia/Shanghai, not {settings.zone!r}.") from None
    if settings.database_url and not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise BadSetting("`database_url` must start with postgresql://.")
    if settings.public_url and (not settings.public_url.startswith(("https://", "http://")) or settings.public_url.endswith("/")):
        raise BadSetting(f"`public_url` must start with https:// (or http://) and not end in a slash, not {settings.public_url!r}.")
    if settings.mail_server and (not settings.mail_server.rpartition(":")[2].isdigit() or "@" not in settings.mail_from):
        raise BadSetting(f"`mail_server` must be host:port, with an address in `mail_from`, not {settings.mail_server!r}.")
    for name in ("sms_gateway", "wechat_gateway"):
        if (url := getattr(settings, name)) and not url.startswith(("https://", "http://")):
            raise BadSetting(f"`{name}` must start with https:// (or http://), not {url!r}.")
    if settings.clamd and "/" not in settings.clamd and not settings.clamd.rpartition(":")[2].isdigit():
        raise BadSetting(f"`clamd` must be host:port or the path of a socket file, not {settings.clamd!r}.")
    return settings


def _hint(name: str) -> str:
    close = get_close_matches(name, _KINDS, n=1)
    return f" Did you mean `{close[0]}`?" if close else f" Settings are: {', '.join(_KINDS)}."


def reference() -> str:
    """The table of docs/reference/configuration.md."""
    lines = ["| key | environment | kind | default | what |", "|---|---|---|---|---|"]
    for entry in fields(Settings):
        says, default = _SAYS[entry.name], entry.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        kind = _A_KIND[_KINDS[entry.name]]
        if says.low is not None:
            kind += f" from {says.low} to {says.high}"
        if says.one_of:
            kind = "one of " + ", ".join(says.one_of)
        lines.append(f"| `{entry.name}` | `{PREFIX}{entry.name.upper()}` | {kind} | {f'`{shown}`' if shown else 'empty'} | {says.text} |")
    return "\n".join(lines) + "\n"


_HINTS = get_type_hints(Settings, include_extras=True)
_KINDS: dict[str, str] = {entry.name: _HINTS[entry.name].__origin__.__name__ for entry in fields(Settings)}
_SAYS: dict[str, Says] = {entry.name: _HINTS[entry.name].__metadata__[0] for entry in fields(Settings)}
_A_KIND = {"int": "a whole number", "bool": "true or false", "str": "a text", "Path": "a path"}
