"""What a password has to be like, told to the person who chooses it. GB/T 22239-2019 8.1.4.1 a).

Rules of the region hold for passwords that people choose and that administrators give; not for what the demo region is made with.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence

from yilian.access import passwords
from yilian.access.rules import Rules
from yilian.errors import BadRequest, Issue

KINDS = ("upper case", "lower case", "digits", "other characters")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789"
"""Without those that are read for one another: 0 O 1 l I o."""
GIVEN_LENGTH = 14


def faults(password: str, *, name: str, display: str, rules: Rules) -> list[Issue]:
    """Everything that is wrong with it, in the order a form shows it; empty when it will do. `display` is the name of the person."""
    found = []
    if len(password) < rules.length:
        found.append(_issue(f"It needs at least {rules.length} characters.", f"密码至少 {rules.length} 个字符"))
    if len(_kinds(password)) < rules.classes:
        wanted = f"It needs {rules.classes} of: {', '.join(KINDS)}."
        found.append(_issue(wanted, f"密码须包含大写字母、小写字母、数字、其他字符中的至少 {rules.classes} 类"))
    if any(one in _plain(password) for one in _names(name, display)):
        found.append(_issue("It must not have your name or the account's in it.", "密码中不能包含姓名(含拼音)或用户名"))
    return found


def require(password: str, *, name: str, display: str, rules: Rules) -> None:
    """BadRequest with every fault, unless the password will do."""
    if found := faults(password, name=name, display=display, rules=rules):
        raise BadRequest(found[0].diagnostics, issues=found)


async def require_new(password: str, used: Sequence[str]) -> None:
    """BadRequest when the password is one of these (argon2id hashes). Takes a quarter of a second for each; no transaction should wait."""
    for one in used:
        if await passwords.matches(one, password):
            issue = _issue("It was used before; choose one you have not had.", "该密码近期使用过,请换一个新的")
            raise BadRequest(issue.diagnostics, issues=[issue])


def given() -> str:
    """A password for somebody else, to be read out and changed at once: 14 characters of three kinds, some 80 bits."""
    while True:
        letters = "".join(secrets.choice("".join(_LETTERS)) for _ in range(GIVEN_LENGTH))
        if len(_kinds(letters)) == len(_LETTERS):
            return "-".join((letters[:5], letters[5:10], letters[10:]))


def _kinds(password: str) -> set[int]:
    return {0 if one.isupper() else 1 if one.islower() else 2 if one.isdigit() else 3 for one in password}


def _names(name: str, display: str) -> set[str]:
    """The words of the names that are long enough to be missed: 张伟, zhangwei, the account's."""
    from pypinyin import lazy_pinyin  # its dictionary takes longer to load than most of what a command does

    spoken = "".join(lazy_pinyin(display))
    words = {_plain(one) for one in (name, name.partition("@")[0], display, spoken, *display.split())}
    return {word for word in words if len(word) >= (2 if not word.isascii() else 4)}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace(" ", "")


def _issue(diagnostics: str, zh: str) -> Issue:
    return Issue("error", "invalid", diagnostics, "password", zh)
