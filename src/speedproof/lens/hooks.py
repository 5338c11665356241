"""Hooks by TransformerLens's names: where in a model they stand."""


def blocks_through(hook_name: str) -> int:
    """Blocks below a hook, and its own where the hook stands behind something of it."""
    before, _, within = hook_name.partition("blocks.")
    number = within.split(".")[0]
    if before or not number.isdigit():
        return 0
    return int(number) + (not hook_name.endswith("hook_resid_pre"))
