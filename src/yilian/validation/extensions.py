"""Extensions held against their definitions, where they are known: what they may hold, and where they may stand.

One that nobody has defined is let be; one that changes the meaning of what holds it (a modifierExtension) has to be known, and is told as
fatal where it is not.
http://hl7.org/fhir/R4/extensibility.html, http://hl7.org/fhir/R4/defining-extensions.html#context
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yilian.fhir.definitions import structure
from yilian.fhir.path import PathError, compile, path_of
from yilian.fhir.path.items import Item, ancestors, children, known
from yilian.fhir.path.types import is_a
from yilian.validation.conformance import Run
from yilian.validation.snapshot import CORE

Json = dict[str, Any]
NOT_KNOWN_ZH = "未知的修饰扩展 {url},会改变数据含义,不予接受。"


def check(run: Run) -> None:
    """Every extension of the resource that is named by a URL."""
    if not _has_any(run.root.value):
        return
    for item in extensions(run.root):
        url = item.value.get("url")
        if not isinstance(url, str) or ":" not in url:
            continue  # a part of another extension, which its definition describes
        definition = run.book.definition(url, run.wanted)
        modifies = item.key == "modifierExtension"
        if definition is None or definition.get("type") != "Extension":
            if modifies:
                run.add(
                    "fatal", "extension", item, f"The modifierExtension {url[:200]} is not known here, so what it changes would be missed.",
                    NOT_KNOWN_ZH.format(url=url[:200]),
                )  # fmt: skip
            continue
        if modifies and not is_modifier(definition):
            run.add(
                "error", "extension", item, f"{url} is an extension, not a modifierExtension.", f"{url} 不是修饰扩展(modifierExtension)。"
            )
        elif not modifies and is_modifier(definition):
            run.add("error", "extension", item, f"{url} is a modifierExtension, not an extension.", f"{url} 应写在 modifierExtension 中。")
        _context(run, item, definition, url)
        run.check(item, url)


def _has_any(value: Any) -> bool:
    """Whether there is an extension anywhere; most resources have none, and need not be walked element by element."""
    if type(value) is dict:
        if "extension" in value or "modifierExtension" in value:
            return True
        return any((type(one) is dict or type(one) is list) and _has_any(one) for one in value.values())
    return any((type(one) is dict or type(one) is list) and _has_any(one) for one in value)


def extensions(root: Item) -> Iterator[Item]:
    """Every element of type Extension, wherever it stands."""
    for item in children(root):
        if item.type == "Extension" and isinstance(item.value, dict):
            yield item
        if isinstance(item.value, dict) or isinstance(item.beside, dict):
            yield from extensions(item)


def is_modifier(definition: Json) -> bool:
    """Whether an extension's definition says that it changes the meaning of what holds it."""
    for part in ("differential", "snapshot"):
        for element in (definition.get(part) or {}).get("element") or ():
            if element.get("path") == "Extension" and "isModifier" in element:
                return element["isModifier"] is True
    return False


def _context(run: Run, item: Item, definition: Json, url: str) -> None:
    holder = item.parent
    assert holder is not None
    contexts = definition.get("context") or ()
    if contexts and not any(_fits(run, one, holder) for one in contexts):
        listed = ", ".join(str(one.get("expression")) for one in contexts)
        run.add("error", "extension", item, f"The extension {url} stands at {listed} only.", f"扩展 {url} 只能用于 {listed}。")
    for text in definition.get("contextInvariant") or ():
        try:
            kept = compile(text).truth(holder, outside=run.outside)
        except PathError:
            kept = None
        if kept is False:
            run.add("error", "extension", item, f"The extension {url} stands only where {text}.", f"扩展 {url} 不满足使用条件 {text}。")


def _fits(run: Run, context: Json, holder: Item) -> bool:
    kind, text = context.get("type"), str(context.get("expression", ""))
    if kind == "extension":
        return holder.type == "Extension" and isinstance(holder.value, dict) and holder.value.get("url") == text
    if kind == "fhirpath":
        try:
            return path_of(holder) in [path_of(one) for one in compile(text).items(run.root, outside=run.outside) if known(one.type)]
        except PathError:
            return False
    text = text.partition("#")[2] or text.removeprefix(CORE)
    return (text in ("Element", "Resource", "DomainResource") and is_a(holder.type, text)) or text in _names(holder)


def _names(holder: Item) -> set[str]:
    """How a context may name an element: by its type, and by its path from any element around it."""
    found = {holder.type, *_bases(holder.type)}
    rest: list[tuple[str, ...]] = [()]
    for at in ancestors(holder):
        for base in (at.type, *_bases(at.type)):
            found.update(".".join((base, *steps)) for steps in rest)
        plain = at.plain
        forms = (plain, plain + "[x]") if at.key and plain != at.key else (plain,)
        rest = [(form, *steps) for steps in rest for form in forms][:16]
    return found


def _bases(name: str) -> list[str]:
    found: list[str] = []
    while known(name) and (name := structure(name).base):
        found.append(name)
    return found
