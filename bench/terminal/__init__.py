"""What a person sees: progress on standard error, tables on standard output, JSON in their place where asked for."""

from .figures import row_as_json, show_rows, show_sweeps, show_waterfall, waterfall_as_json
from .fitness import fitness_as_json, show_fitness
from .gate import answer_as_json, show_answers, show_findings, show_judged
from .lines import err, fail, out, print_json, say_line, warn_line
from .next_step import after_checks, after_figures
from .operators import operators_as_json, say_where, show_operators
from .progress import progress

__all__ = [
    "after_checks",
    "after_figures",
    "answer_as_json",
    "err",
    "fail",
    "fitness_as_json",
    "operators_as_json",
    "out",
    "print_json",
    "progress",
    "row_as_json",
    "say_line",
    "say_where",
    "show_answers",
    "show_findings",
    "show_fitness",
    "show_judged",
    "show_operators",
    "show_rows",
    "show_sweeps",
    "show_waterfall",
    "warn_line",
    "waterfall_as_json",
]
