"""Is the name beside a code one of its names? And which name should stand there."""

from __future__ import annotations

from yilian.errors import Issue
from yilian.terminology.languages import Name, Wish, chosen, names, nearness
from yilian.terminology.reading import Concept
from yilian.terminology.trouble import issue
from yilian.terminology.verdict import Asked


def check(found: Concept, asked: Asked, wish: Wish, *, lenient: bool) -> tuple[str, list[Issue]]:
    """The name to show, and what is wrong with the one that was given. Case does not count, spaces do.

    Without a language any name of the concept is right. With one, names in it are; where there are none, a name in the system's own
    language is right too, and that is said.
    """
    every = names(found.display, found.system.language, found.designations)
    best = chosen(every, wish)
    shown = best.text if best is not None else found.display or ""
    if not asked.display:
        return shown, []
    near = [name for name in every if not wish or any(nearness(name.language, tag) < 9 for tag in wish.languages)]
    if _is_one_of(asked.display, near):
        return shown, []
    code, where = f"{found.system.url}#{found.code}", asked.at("display")
    severity = "warning" if lenient else "error"
    if wish and not near:
        if _is_one_of(asked.display, every):
            text = f"There are no names of {code} in the language(s) '{wish.text}'. '{asked.display}' is one in the default language."
            return shown, [issue("invalid", "invalid-display", text, severity="information", expression=where)]
        text = (
            f"Wrong display '{asked.display}' for {code}. There are no names of it in the language(s) '{wish.text}';"
            f" the default is '{found.display}'."
        )
        return shown, [issue("invalid", "invalid-display", text, severity=severity, expression=where, zh=f"名称应为“{shown}”。")]
    spaces = " (spaces)" if _is_one_of(" ".join(asked.display.split()), near) else ""
    choices = " or ".join(f"'{name.text}'" + (f" ({name.language})" if name.language else "") for name in near[:10])
    text = f"Wrong display{spaces} '{asked.display}' for {code}. Right is {choices} (for the language(s) '{wish.text or '--'}')."
    return shown, [issue("invalid", "invalid-display", text, severity=severity, expression=where, zh=f"名称应为“{shown}”。")]


def _is_one_of(text: str, given: list[Name]) -> bool:
    return any(name.text.casefold() == text.casefold() for name in given)
