"""What can be wrong with a FHIRPath expression: its writing, its names, or what it is asked to do with the values it meets.

N1 knows the same three kinds: http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

from yilian.errors import BadRequest


class PathError(BadRequest):
    """A FHIRPath expression that cannot be read, or cannot be evaluated."""

    def __init__(self, diagnostics: str, *, zh: str = "FHIRPath 表达式有误,请检查后重新提交。") -> None:
        super().__init__(diagnostics, zh=zh)


class PathSyntaxError(PathError):
    """The text is not FHIRPath."""


class PathSemanticError(PathError):
    """The text is FHIRPath, but names an element, a function or a type that is not there, or something that can never be evaluated."""


class PathExecutionError(PathError):
    """The values that were met do not fit the operation: several where one is needed, a text where a number is needed."""
