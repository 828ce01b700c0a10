"""What `yilian provider` is called with. Nothing heavy is imported here: every command line is read with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yilian.config import Settings


def add_to(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Puts it among the commands; `add` makes one action of it, as for the others."""
    elsewhere = commands.add_parser(
        "provider", help="OpenID providers by which an institution's people sign in.", description="OpenID providers of institutions."
    )
    there = elsewhere.add_subparsers(metavar="ACTION", required=True)
    set_up = add("add", "Set a provider up, or anew.", _provider_add, there)
    set_up.add_argument("id", metavar="ID", help="small letters, digits and -: it stands in the address the provider sends people back to")
    set_up.add_argument("--name", required=True, help='as the sign-in page calls it, e.g. "市第一医院"')
    set_up.add_argument("--issuer", required=True, metavar="URL", help="its issuer, to the letter")
    set_up.add_argument("--client-id", required=True, metavar="ID", help="how it knows us")
    set_up.add_argument("--institution", required=True, metavar="NAME", help="whose people it vouches for: its name, or Organization/id")
    set_up.add_argument("--secret", action="store_true", help="we have a secret there, the first line of standard input (else PKCE alone)")
    set_up.add_argument("--claim", default="sub", metavar="NAME", help="which claim of the ID token links name (default: sub)")
    set_up.add_argument("--first-time", action="store_true", help="who is not linked may link by signing in here once with the password")
    set_up.add_argument("--trust-second-factor", action="store_true", help="its word (amr: mfa) that there was a second factor counts")
    unset = add("remove", "Nobody signs in by it any more; who did is signed out.", _provider_remove, there)
    unset.add_argument("id", metavar="ID")
    shown = add("list", "List the providers, or who is linked at one.", _provider_list, there)
    shown.add_argument("id", metavar="ID", nargs="?")
    linking = add("link", "Say who of a provider's people is which account.", _provider_link, there)
    linking.add_argument("id", metavar="ID")
    linking.add_argument("--user", metavar="NAME", help="the account here")
    linking.add_argument("--subject", metavar="TEXT", help="the value of the provider's claim")
    linking.add_argument("--file", type=Path, metavar="FILE", help="a list instead: CSV with the columns user and subject; all or none")
    parting = add("unlink", "An account is nobody's at a provider any more.", _provider_unlink, there)
    parting.add_argument("id", metavar="ID")
    parting.add_argument("--user", required=True, metavar="NAME")


def _provider_add(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import provider

    return provider.add(
        settings,
        given.id,
        name=given.name,
        issuer=given.issuer,
        client_id=given.client_id,
        institution=given.institution,
        secret=given.secret,
        claim=given.claim,
        first_time=given.first_time,
        trusts_factor=given.trust_second_factor,
    )


def _provider_remove(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import provider

    return provider.remove(settings, given.id)


def _provider_list(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import provider

    return provider.show(settings, given.id)


def _provider_link(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import provider

    return provider.link(settings, given.id, user=given.user, subject=given.subject, file=given.file)


def _provider_unlink(settings: Settings, given: argparse.Namespace) -> int:
    from yilian.command import provider

    return provider.unlink(settings, given.id, given.user)
