"""Proportions: where the true one lies, from how often something happened in how many trials, exactly.

Clopper and Pearson, Biometrika 26 (1934).
"""


def clopper_pearson(n_happened: int, n_trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Where the proportion lies with that confidence, both sides sharing the chance of error."""
    alpha = (1 - confidence) / 2
    # By the beta distribution. `scipy.stats` has it by name, and takes most of a second to import.
    from scipy.special import betaincinv

    low = float(betaincinv(n_happened, n_trials - n_happened + 1, alpha)) if n_happened else 0.0
    return low, upper(n_happened, n_trials, 1 - alpha)


def upper(n_happened: int, n_trials: int, confidence: float = 0.95) -> float:
    """What the proportion is below with that confidence, one-sided."""
    from scipy.special import betaincinv

    return float(betaincinv(n_happened + 1, n_trials - n_happened, confidence)) if n_happened < n_trials else 1.0
