"""Mutants: a source file with one small fault each, made by cosmic-ray's operators."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speedproof.digest import digest
from speedproof.errors import BadInput
from speedproof_studies.gate_source import path_of

from .source_map import Position, read_places

OPERATORS = (
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *(f"ReplaceComparisonOperator_{change}" for change in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{change}" for change in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")),
    *(f"ReplaceComparisonOperator_{change}" for change in ("Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt")),
    *(f"ReplaceBinaryOperator_{change}" for change in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul")),
    *(f"ReplaceBinaryOperator_{change}" for change in ("FloorDiv_Div", "Mod_FloorDiv", "BitAnd_BitOr", "BitOr_BitAnd")),
    *(f"ReplaceUnaryOperator_Delete_{sign}" for sign in ("Not", "USub", "Invert")),
    *("NumberReplacer", "ExceptionReplacer", "RemoveDecorator", "ZeroIterationForLoop"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak"),
)
"""Names of cosmic-ray's operators. Of its eleven replacements of a binary operator and seven of a comparison, only the
opposite and the shifted boundary: the others are killed by the same tests (Offutt et al., "An experimental
determination of sufficient mutant operators", 1996). Those that insert or swap variables need to be told which."""


OTHER_WORDS = "words"
"""How a mutant is noticed that judges right, and says so in other words or of other numbers."""


@dataclass(frozen=True)
class Mutant:
    """One fault. `module` is an import name, `function` the one that it lies in, or "" for the module itself."""

    module: str
    function: str
    operator: str
    line: str
    """The line as the fault leaves it, runs of blanks as one. Its number would change with every edit above it."""
    number: int
    """Where it is today."""
    source: str
    """The whole file with the fault."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a reason is given for."""
        return self.module, self.function, self.operator, self.line

    def __str__(self) -> str:
        return f"{self.module}:{self.number} {self.function or 'module'} {self.operator}: {self.line}"


def load_operators() -> Mapping[str, Any]:
    """Name -> operator. Raises BadInput where cosmic-ray is not installed."""
    try:
        from cosmic_ray.operators.provider import OperatorProvider
    except ImportError as error:
        raise BadInput(
            f"Mutants cannot be made: {error}. Expected cosmic-ray. Install it: "
            "python -m pip install --constraint constraints.txt --group studies"
        ) from error
    provider = OperatorProvider()
    return {name: provider[name]() for name in OPERATORS}


def mutants_of(module: str, source: str | None = None, only: Collection[tuple[str, str]] | None = None) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines; of `source` instead of its file, if given.

    Where `only` names functions and operators, those of these alone.

    Raises:
        BadInput: cosmic-ray is not installed.
    """
    source = path_of(module).read_text(encoding="utf-8") if source is None else source
    operators = load_operators()
    if only is not None:
        operators = {name: one for name, one in operators.items() if any(name == wanted for _, wanted in only)}
    made = [m for name, operator in operators.items() for m in _of_operator(module, source, name, operator, only)]
    return sorted({m.source: m for m in made}.values(), key=lambda m: (m.number, m.operator, m.line))


def sampled(mutants: Sequence[Mutant], n: int | None, seed: int) -> list[Mutant]:
    """So many of them at random, in their order; all without a number.

    Each has its own lot, drawn from the seed and its key, so that an edit elsewhere draws no other sample.
    """
    lots = sorted(digest([seed, *mutant.key]) for mutant in mutants)[:n]
    return [mutant for mutant in mutants if digest([seed, *mutant.key]) in lots]


def _of_operator(
    module: str, source: str, name: str, operator: Any, only: Collection[tuple[str, str]] | None
) -> Iterator[Mutant]:
    from cosmic_ray.mutating import mutate_code

    places = read_places(source)
    for occurrence, position in enumerate(_positions(source, operator)):
        is_wanted = only is None or (places.function(position), name) in only
        if is_wanted and not places.why_skipped(position):
            mutated = mutate_code(source, operator, occurrence)
            shown = f"{_line(source, position)} (removed)" if name == "RemoveDecorator" else _line(mutated, position)
            yield Mutant(module, places.function(position), name, shown, position[0], mutated)


def _line(source: str, position: Position) -> str:
    return " ".join(source.splitlines()[position[0] - 1].split())


def _positions(source: str, operator: Any) -> Iterator[Position]:
    """In the order in which cosmic-ray counts occurrences."""
    from cosmic_ray.ast import ast_nodes, get_ast

    for node in ast_nodes(get_ast(source)):
        yield from (start for start, _ in operator.mutation_positions(node))
