"""What `yilian bridge` is called with. Nothing heavy is imported here: every command line is read with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yilian.config import Settings

STEPS = ("apply", "answer", "arrival", "record")


def add_to(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Puts it among the commands; `add` makes one action of it, as for the others."""
    says = "Messages of other platforms (转诊消息), in files."
    group = commands.add_parser("bridge", help=says, description=says).add_subparsers(metavar="ACTION", required=True)
    take = add("in", "Take messages in, with a report of each; one that was taken before does nothing.", _in, group)
    take.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a message Bundle (.json), several (.ndjson), or a folder of these"
    )
    _whose(take)
    take.add_argument("--answers", type=Path, metavar="DIR", help="write the message that answers each into this folder")
    take.add_argument("--dry-run", action="store_true", help="only try: nothing is kept")
    give = add("out", "Write referrals as messages of the steps they have come to, or as the fields of the national form.", _out, group)
    give.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    _whose(give)
    give.add_argument("--number", action="append", default=[], metavar="转诊单号", help="only this referral; may be given several times")
    give.add_argument("--step", action="append", default=[], choices=STEPS, help="only this step; may be given several times")
    give.add_argument("--since", metavar="DAY", help="only referrals that were sent on this day (2026-11-01) or later")
    give.add_argument("--form", action="store_true", help="the fields of 双向转诊单 as CSV, instead of messages")


def _whose(command: argparse.ArgumentParser) -> None:
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--client", metavar="ID", help="as this institution's own system")
    who.add_argument("--user", metavar="NAME", help="as this person, at their first post")


def _in(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.bridge import take_in

    return take_in(settings, given.files, client=given.client, user=given.user, answers=given.answers, dry_run=given.dry_run)


def _out(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command.bridge import give_out

    return give_out(
        settings,
        given.folder,
        client=given.client,
        user=given.user,
        numbers=given.number,
        steps=given.step,
        since=given.since,
        form=given.form,
    )
