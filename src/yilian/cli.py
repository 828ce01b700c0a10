"""The command `yilian`: reads the command line and calls what `command/` holds.

Ends with 0 when all went well, 1 when something was refused or cannot be done (the reason is on standard error), 2 for a command line that
makes no sense, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from yilian import __version__, config
from yilian.command import bridge_arguments, directory_arguments, provider_arguments
from yilian.config import BadSetting, Settings
from yilian.errors import YilianError

Command = Callable[[Settings, argparse.Namespace], int]
Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = config.read(_settings(given), config=given.config)
        command: Command = given.command
        return command(settings, given)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not isinstance(error, (BadSetting, YilianError, *_unable())):
            raise
        print(f"yilian: {_words(error)}", file=sys.stderr)
        return 1


def _settings(given: argparse.Namespace) -> dict[str, object]:
    """What the command line says about settings. `--data` asks for the embedded database, whatever else names another."""
    said = {name: value for name, value in vars(given).items() if name in Settings.__slots__}
    if said.get("data") is not None:
        said["database_url"] = ""
    return said


def _unable() -> tuple[type[Exception], ...]:
    """What the house reports when it cannot do its work for reasons outside; imported only now, so that `--help` is quick."""
    from asyncpg import InterfaceError, PostgresError

    from yilian.command.serve import AddressTaken
    from yilian.postgres import DataFolderBusy, DataFolderUnusable, PostgresFailed, ProgramsUnusable
    from yilian.store.migrate import MigrationRefused

    return (
        AddressTaken,
        DataFolderBusy,
        DataFolderUnusable,
        PostgresFailed,
        ProgramsUnusable,
        MigrationRefused,
        PostgresError,
        InterfaceError,
        ConnectionError,
        TimeoutError,
    )


def _words(error: Exception) -> str:
    if isinstance(error, YilianError):
        return "; ".join(f"{issue.expression}: {issue.diagnostics}" if issue.expression else issue.diagnostics for issue in error.issues)
    return str(error) or type(error).__name__


def parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    top = argparse.ArgumentParser("yilian", description="Yilian 医联: one record and one road of referral for a whole region (FHIR R4).")
    top.add_argument("--version", action="version", version=f"yilian {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, says: str, command: Command, group: Group = commands) -> argparse.ArgumentParser:
        made = group.add_parser(name, help=says, description=says)
        made.set_defaults(command=command)
        made.add_argument("--config", type=Path, metavar="FILE", help="file with settings (default: yilian.toml in the data folder)")
        place = made.add_mutually_exclusive_group()
        place.add_argument("--data", type=Path, metavar="DIR", help="folder of the embedded database (default: .yilian)")
        place.add_argument("--database-url", metavar="URL", help="a PostgreSQL 15+ of your own: postgresql://…")
        return made

    for name, says, command in (
        ("serve", "Run the server.", _serve),
        ("demo", "Make the demo region on first use, then run the server.", _demo),
    ):
        server = add(name, says, command)
        server.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
        server.add_argument("--port", type=int, help="port to listen on (default: 8080)")
        server.add_argument("--workers", type=int, metavar="N", help="server processes (default: 1)")

    load = add("load", "Load FHIR R4 Bundles or NDJSON made elsewhere; goes on where an earlier run stopped.", _load)
    load.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a file or folder: .json .ndjson .jsonl, also .gz, or .zip of these"
    )
    load.add_argument("--institution", metavar="NAME", help="where patients without one are registered (in the demo region: 青石镇卫生院)")
    load.add_argument("--processes", type=int, metavar="N", help="how many load side by side (default: one for each core)")
    load.add_argument("--report", type=Path, metavar="FILE", help="write everything that was refused to this file, one JSON object a line")

    export = add("export", "Write the store as NDJSON into a folder, as it stood when the command began.", _export)
    export.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    export.add_argument("--type", action="append", default=[], metavar="TYPE", help="only this resource type; may be given several times")
    export.add_argument("--since", metavar="INSTANT", help="only what was changed then or later, and what was deleted")

    view = add("view", "Write a flat table (SQL-on-FHIR) of the store, or of exported files.", _view)
    view.add_argument("name", metavar="VIEW", help="patients, encounters, conditions, lab_results …, or a file with a ViewDefinition")
    view.add_argument("--files", type=Path, metavar="DIR", help="the folder of an export instead of the store")
    view.add_argument("--format", choices=("csv", "ndjson", "json"), default="csv")
    view.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    work = add("work", "Carry out jobs (exports, imports, deliveries …) in a process beside the server.", _work)
    work.add_argument("--at-once", type=int, default=2, choices=range(1, 65), metavar="N", help="jobs at a time (default: 2)")

    queue = add("jobs", "Show the job queue; begin a failed job anew, or stop one.", _jobs)
    what = queue.add_mutually_exclusive_group()
    what.add_argument("--failed", action="store_true", help="only what was given up, with the reason")
    what.add_argument("--retry", type=int, metavar="ID", help="begin this job anew")
    what.add_argument("--cancel", type=int, metavar="ID", help="stop this job")

    reindex = add("reindex", "Make the index rows of stored resources anew, while the server goes on.", _reindex)
    which = reindex.add_mutually_exclusive_group()
    which.add_argument(
        "--type", action="append", metavar="TYPE", dest="types", help="a resource type; may be given several times (default: all)"
    )
    which.add_argument("--resume", action="store_true", help="only go on with what was asked for before and is not done")
    which.add_argument("--cancel", type=int, metavar="RUN", help="stop this run for good")

    token = add("token", "Print an access token.", _token)
    who = token.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="NAME", help="for this account")
    who.add_argument("--client", metavar="ID", help="for this system client")

    user = commands.add_parser("user", help="Accounts: add, disable, list.", description="Accounts: add, disable, list.")
    users = user.add_subparsers(metavar="ACTION", required=True)
    new = add("add", "Add an account; the password is asked for, or read from standard input.", _user_add, users)
    new.add_argument("name", metavar="NAME", help="what the person signs in with")
    new.add_argument(
        "--role", required=True, action="append", help="a post: gp, physician, head, coordinator, …; may be given several times"
    )
    new.add_argument("--institution", metavar="NAME", help="the institution of the post: its name, or Organization/id")
    new.add_argument("--display", metavar="NAME", help="how the person is called on screen and paper")
    new.add_argument(
        "--agent", metavar="REF", help="who acts, e.g. Practitioner/zhang (default: a Practitioner of the account's name, made if missing)"
    )
    new.add_argument("--patient", metavar="REF", help="the person's own record, Patient/…, for residents")
    new.add_argument("--must-change", action="store_true", help="the password is to be changed at the first sign-in")
    off = add("disable", "Disable an account; what it has signed in to ends.", _user_disable, users)
    off.add_argument("name", metavar="NAME")
    add("list", "List the accounts.", _user_list, users)

    client = commands.add_parser(
        "client", help="Applications that may ask for tokens.", description="Applications that may ask for tokens."
    )
    applications = client.add_subparsers(metavar="ACTION", required=True)
    registered = add("add", "Register an application, or register it anew.", _client_add, applications)
    registered.add_argument("id", metavar="ID", help="its client_id")
    registered.add_argument("--name", help="how it is called on screen (default: its id)")
    registered.add_argument("--scope", required=True, help='the most it may be granted, e.g. "system/*.read"')
    registered.add_argument(
        "--grant",
        required=True,
        action="append",
        choices=("authorization_code", "refresh_token", "client_credentials"),
        help="how it asks for tokens; may be given several times",
    )
    registered.add_argument("--redirect", action="append", default=[], metavar="URI", help="where browsers may be sent back to")
    registered.add_argument(
        "--institution", metavar="NAME", help="the one it speaks for when it asks for itself (default: the whole region)"
    )
    registered.add_argument("--keys", type=Path, metavar="FILE", help="a JWK Set with its public keys (private_key_jwt)")
    registered.add_argument("--keys-at", metavar="URL", help="where that JWK Set lies instead (https), read when it is needed")
    registered.add_argument(
        "--launch-url", action="append", default=[], metavar="URI", help="where our pages open it with a patient (SMART EHR launch)"
    )
    registered.add_argument("--launch-role", action="append", metavar="ROLE", help="a post that may open it (default: all)")
    registered.add_argument("--secret", action="store_true", help="it has a secret, the first line of standard input")
    registered.add_argument("--introspects", action="store_true", help="it may ask about tokens of other applications (RFC 7662)")
    gone = add("disable", "Disable an application; its tokens end.", _client_disable, applications)
    gone.add_argument("id", metavar="ID")
    add("list", "List the applications.", _client_list, applications)

    provider_arguments.add_to(commands, add)

    keys = commands.add_parser("key", help="Keys of what is sealed at rest.", description="Keys of what is sealed at rest.")
    sealing = keys.add_subparsers(metavar="ACTION", required=True)
    add("new", "Make a master key (setting key_file) where there is none.", _key_new, sealing)
    add("list", "List the data keys.", _key_list, sealing)
    add("status", "Count what stands under each key; ends with 1 while something is not sealed.", _key_status, sealing)
    rotated = add("rotate", "Make new data keys and bring everything over to them, while the server goes on.", _key_rotate, sealing)
    rotated.add_argument("--suite", choices=("aes", "sm"), help="AES-256-GCM with HMAC-SHA-256, or SM4-GCM with HMAC-SM3 (default: as now)")
    unsealed = add("seal", "Seal what was stored before anything was sealed.", _key_seal, sealing)
    for one in (rotated, unsealed):
        one.add_argument("--here", action="store_true", help="do the work in this process and wait for its end")
    wrapped = add("rewrap", "Wrap the data keys with another master key.", _key_rewrap, sealing)
    wrapped.add_argument("file", type=Path, metavar="FILE", help="the new master key, as `yilian key new` makes it")
    printed = add("fingerprint", "Print what stands in the audit trail in place of a number or telephone.", _key_fingerprint, sealing)
    printed.add_argument("text", metavar="NUMBER")

    signing = commands.add_parser("token-key", help="Keys that sign tokens.", description="Keys that sign tokens.")
    signing_keys = signing.add_subparsers(metavar="ACTION", required=True)
    next_key = add("rotate", "Make the next key: published now, signing a quarter of an hour later.", _token_key_rotate, signing_keys)
    next_key.add_argument("--leaked", action="store_true", help="somebody else may have the key: a new one at once; every sign-in ends")
    add("list", "List the keys.", _token_key_list, signing_keys)

    match = commands.add_parser("match", help="Find records of one person.", description="Find records of one person.")
    matching = match.add_subparsers(metavar="ACTION", required=True)
    trained = add("train", "Train the model on the patients there are, and use it.", _match_train, matching)
    trained.add_argument("--note", default="", metavar="TEXT", help="what it is for; kept with the model")
    trained.add_argument("--keep-only", action="store_true", help="do not use it yet (yilian match use)")
    ran = add("run", "Weigh every likely pair of patients and keep those that may be one person.", _match_run, matching)
    ran.add_argument("--engine", choices=("duckdb", "spark"), dest="match_engine", help="what does the work (default: duckdb)")
    for one in (trained, ran):
        one.add_argument("--memory", type=float, default=4, metavar="GIB", help="memory for the work (default: 4); more goes to disk")
    add("models", "List the models.", _match_models, matching)
    compared = add("diff", "What differs between two models.", _match_diff, matching)
    compared.add_argument("before", type=int, metavar="A")
    compared.add_argument("after", type=int, metavar="B")
    used = add("use", "Take another model into use.", _match_use, matching)
    used.add_argument("version", type=int, metavar="VERSION")

    cards = commands.add_parser("card", help="The health card: check a code without network; keys.", description="The health card.")
    carding = cards.add_subparsers(metavar="ACTION", required=True)
    shown = add("verify", "Check a code by the public keys alone; ends with 1 and the reason when it does not hold.", _card_verify, carding)
    shown.add_argument("code", metavar="CODE", help="the digits a scanner types")
    shown.add_argument("--keys", type=Path, required=True, metavar="FILE", help="/.well-known/health-card-keys.json, fetched beforehand")
    shown.add_argument("--leeway", type=int, default=60, metavar="S", help="how far this machine's clock may be off (default: 60)")
    add("keys", "Print the public keys codes are checked with.", _card_keys, carding)
    add("rotate", "Sign new codes with a new key.", _card_rotate, carding)

    directory_arguments.add_to(commands, add)
    bridge_arguments.add_to(commands, add)
    trail = commands.add_parser("audit", help="The audit trail: is it whole, and what is old enough to go.", description="The audit trail.")
    trails = trail.add_subparsers(metavar="ACTION", required=True)
    whole = add("verify", "Go through the whole chain; ends with 1 when an event was changed, taken out or put in.", _audit_verify, trails)
    whole.add_argument("--anchor", type=Path, metavar="FILE", help="the file the newest hashes were written to (setting audit_anchor)")
    add("seal", "Seal what is not sealed yet, where no server runs.", _audit_seal, trails)
    old = add("retire", "Take out the months that are older than the setting audit_keep_months.", _audit_retire, trails)
    old.add_argument("--archive", type=Path, metavar="DIR", help="write each month into this folder first")

    check = add("check", "Test settings, database, clock and disk; ends with 1 and the reasons when something is wrong.", _check)
    check.add_argument("--deep", action="store_true", help="every resource too: its index rows, history, references and grounds")
    return top


def _serve(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.serve import serve

    return serve(settings)


def _demo(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.demo import demo

    return demo(settings)


def _load(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.load import load

    return load(settings, given.paths, given.institution, given.report, given.processes)


def _export(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.export import export

    return export(settings, given.folder, given.type, given.since)


def _view(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.view import view

    return view(settings, given.name, given.files, given.format, given.output)


def _work(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.jobs import work

    return work(settings, given.at_once)


def _jobs(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.jobs import show

    return show(settings, failed=given.failed, retry=given.retry, cancel=given.cancel)


def _reindex(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.reindex import reindex

    return reindex(settings, given.types or (), resume=given.resume, cancel=given.cancel)


def _token(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.token import token

    return token(settings, user=given.user, client=given.client)


def _user_add(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import user

    return user.add(
        settings,
        given.name,
        roles=given.role,
        institution=given.institution,
        display=given.display,
        agent=given.agent,
        patient=given.patient,
        must_change=given.must_change,
    )


def _user_disable(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import user

    return user.disable(settings, given.name)


def _user_list(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import user

    return user.show(settings)


def _client_add(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import client

    return client.add(
        settings,
        given.id,
        name=given.name,
        scope=given.scope,
        grants=given.grant,
        redirects=given.redirect,
        institution=given.institution,
        key_file=given.keys,
        secret=given.secret,
        introspects=given.introspects,
        keys_at=given.keys_at,
        launches=given.launch_url,
        launch_roles=given.launch_role,
    )


def _client_disable(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import client

    return client.disable(settings, given.id)


def _client_list(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import client

    return client.show(settings)


def _key_new(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.new(settings)


def _key_list(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.show(settings)


def _key_status(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.status(settings)


def _key_rotate(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.rotate(settings, given.suite, here=given.here)


def _key_seal(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.seal(settings, here=given.here)


def _key_rewrap(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.rewrap(settings, given.file)


def _key_fingerprint(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import key

    return key.fingerprint(settings, given.text)


def _token_key_rotate(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import client

    return client.rotate(settings, leaked=given.leaked)


def _token_key_list(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import client

    return client.show_keys(settings)


def _match_train(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import match

    return match.train(settings, note=given.note, use=not given.keep_only, memory_gib=given.memory)


def _match_run(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import match

    return match.run(settings, memory_gib=given.memory)


def _match_models(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import match

    return match.show(settings)


def _match_diff(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import match

    return match.diff(settings, given.before, given.after)


def _match_use(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import match

    return match.use(settings, given.version)


def _card_verify(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import card

    return card.verify(settings, given.code, given.keys, given.leeway)


def _card_keys(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import card

    return card.export(settings)


def _card_rotate(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import card

    return card.rotate(settings)


def _audit_verify(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import audit

    return audit.verify(settings, given.anchor)


def _audit_seal(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import audit

    return audit.seal(settings)


def _audit_retire(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import audit

    return audit.retire(settings, given.archive)


def _check(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.check import check

    return check(settings, deep=given.deep)
