"""The gate's rules by name: what each refuses. A refusal names its rule; the report counts what each has caught."""

RULES: dict[str, str] = {
    "definition pinned": "a definition whose file or whose running code is not the one that was pinned",
    "definition right": "a definition that disagrees with the reference, or with itself on some of the same items",
    "informative": "a check that could not tell a right answer from a mixed-up one",
    "refusals": "an answer where the definition refuses by its documentation, or a refusal of another kind",
    "raises": "a function that raises where the definition answers",
    "type": "an output of another type, a subclass among them",
    "shape": "an output with other rows, columns, keys or lengths",
    "methods": "an answer that lacks a method of the definition's, or whose method says something else",
    "dtype": "an output in another floating-point type",
    "element": "a number farther from the oracle's than allowed, or not finite",
    "length": "a row that is too long or too short",
    "direction": "a row that points elsewhere",
    "firing": "a feature that fires where it must not, or is silent where it must fire",
    "entries": "a ranked list that leaves out, repeats or invents an entry",
    "value": "a ranked entry whose count or value is out of the oracle's range",
    "order": "a ranked list out of order, ties included",
    "exact": "plain data that differ",
    "autograd": "an output that carries a graph, or can never join one, where the definition's is ordinary; of "
    "one's own pairs also one through which something else flows back",
    "own memory": "an output in memory that an earlier output, an input or a weight holds",
    "inputs": "changed inputs",
}
"""Rules on what comes out of a call. Those on what a call leaves behind are `state.watched`, one each; the calls that
are made are `trials.trials_of` a pair."""
