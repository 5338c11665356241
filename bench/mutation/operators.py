"""Which faults are planted: cosmic-ray's operators, one or two for each construct of the language."""

from collections.abc import Mapping
from typing import Any

from ..errors import BadInput

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


def load_operators() -> Mapping[str, Any]:
    """Name -> operator. Raises BadInput where cosmic-ray is not installed."""
    try:
        from cosmic_ray.operators.provider import OperatorProvider
    except ImportError as error:
        raise BadInput(
            f"Mutants cannot be made: {error}. Expected cosmic-ray. Install it: "
            "python -m pip install --constraint constraints.txt --editable '.[mutation]'"
        ) from error
    provider = OperatorProvider()
    return {name: provider[name]() for name in OPERATORS}
