"""Whether a definition is still the one that was pinned: its file, and the code that runs."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from speedproof.digest import source_digest
from speedproof.errors import NotEquivalent
from speedproof.pairs.finding import Finding, Pair


def objection(finding: Finding, pair: Pair) -> NotEquivalent | None:
    """What is wrong with the definition, or None. A slowed definition would make any rewrite look fast.

    Nobody pinned the definition of a finding without a digest.
    """
    if not finding.definition_digest:
        return None
    seen = source_digest(pair.sequential)
    if seen != finding.definition_digest:
        return NotEquivalent(
            "definition pinned",
            f"impl_sequential/{finding.name}.py has digest {seen}, pinned is {finding.definition_digest}. A definition "
            "is never tuned; restore it, or pin the new digest, which retires the old records.",
        )
    replaced = _replaced(pair.sequential)
    if replaced:
        return NotEquivalent(
            "definition pinned",
            f"the definition that runs is not its file's: {', '.join(replaced)} was replaced in this process. Expected "
            "the pinned code. Start a new process, and import nothing that patches it.",
        )
    return None


def _replaced(definition: Callable[..., Any]) -> list[str]:
    """Functions of the definition's module whose running code differs from the file's."""
    module = sys.modules[definition.__module__]
    path = inspect.getsourcefile(module)
    if path is None:
        return []
    code = compile(Path(path).read_text(encoding="utf-8"), path, "exec", dont_inherit=True)
    written = {part.co_name: part for part in code.co_consts if isinstance(part, CodeType)}
    functions = {
        name: getattr(module, name, None) for name in written if not inspect.isclass(getattr(module, name, None))
    }
    return [name for name, function in functions.items() if getattr(function, "__code__", None) != written[name]]
