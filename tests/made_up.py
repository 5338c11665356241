"""Made-up records of what no sitting of today has: sides, trials of studies, names that no one should have."""

import random
from itertools import product

from speedproof.environment import current_environment
from speedproof.pairs.workload import Workload
from speedproof.records.record import Ledger, Record
from speedproof.records.sides import AnswersCompared, Compared, Hotspot, SideSeen
from speedproof_studies.kinds import Planted, Powered

from .reporting import launches

HOSTILE = (
    "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\"><b>bold</b> %{x} &lt;i&gt;"
)
"""A name that is markup to a browser, to Plotly, or to one of Plotly's templates."""
FUNCTIONS = (
    ("text_batching", "extract_features"),
    ("comparison_table", "comparison_table"),
    ("sae_cache", "check_sae_cached"),
)
STATUSES = ("same", "rounding", "different")


def side(text: str, versions: dict[str, str] | None = None) -> SideSeen:
    return SideSeen(text=text, commit="", tree="t", requirements=(), versions=versions or {"torch": "2.13.0"})


def compared(before: str, after: str, number: int, failure: str = "") -> list[Compared]:
    """Both twins of three functions; what differs goes round with `number`."""
    found = []
    for n, ((finding, function), twin) in enumerate(product(FUNCTIONS, ("sequential", "batched"))):
        status = STATUSES[(n + number) % 3 if (n + number) % 5 == 4 else (n + number) % 2]
        counts = {"forward_passes": (3, 4 if (n * number) % 5 == 3 else 3)}
        slower = (n * number) % 7 == 5
        timed = launches(0.8, 0.001) if slower else launches(1.0, 0.001)
        answers = AnswersCompared.model_validate(
            {"status": status, "n_different": n, "largest": 1e-7, "first": "row 1"}
        )
        about = {"before": side(before), "after": side(after), "finding": finding, "function": function, "twin": twin}
        workload = Workload("report", "tiny", 4)
        if failure:
            found.append(Compared.model_validate({**about, "workload": workload, "failure": failure}))
            continue
        spots = (Hotspot(operator="aten::mm", count=(1, 3), self_us=(500, 1700), lines=(f"{after}.py:7 in call",)),)
        told = {"answers": answers, "counts": counts, "launches": timed, "confirming": timed}
        told["hotspots"] = spots if slower else ()
        found.append(Compared.model_validate({**about, "workload": workload, **told}))
    return found


def powered(loaded: bool, name: str) -> list[Powered]:
    """Twelve trials of two tools, the sharper of which notices what is slower by a tenth."""
    rng = random.Random(loaded)
    return [
        Powered(
            tool=tool,
            injected=injected,
            loaded=loaded,
            budget_s=10.0,
            alarms={rule: rng.random() < min(0.97, injected * sharpness + 0.03) for rule in rules},
            wall_s=11.0,
        )
        for tool, rules, sharpness in ((name, ("interval", "confirmed"), 12), ("asv", ("factor 1.1",), 3))
        for injected in (0.0, 0.02, 0.05, 0.10, 0.25)
        for _ in range(12)
    ]


def planted(name: str) -> list[Planted]:
    rng = random.Random(7)
    return [
        Planted(plant=plant, found=rng.random() < rate, answers="same", work=(), time="alike", launches=4, budget_s=0.0)
        for plant, rate in ((name, 0.0), ("one more forward pass", 1.0), ("5% slower", 0.9))
        for _ in range(20)
    ]


def made_up(reference: Ledger, hostile: str = "") -> Ledger:
    """The reference records with other sides and studies; a side, a tool and a plant have the hostile name if any."""
    bodies: list[Compared | Powered | Planted] = [
        *compared("tested", hostile or "transformer-lens==3.0.0", 1),
        *compared("tested", "transformer-lens==2.18.0", 2),
        *compared("tested", "transformer-lens==4.3.0", 3, "No release of sae-lens takes it."),
        *powered(False, hostile or "speedproof"),
        *powered(True, hostile or "speedproof"),
        *planted(hostile or "identical copy"),
    ]
    env = current_environment()
    told = [Record(written="2026-11-25T00:00:00+00:00", sitting="made-up", environment=env, body=one) for one in bodies]
    kept = [record for record in reference.records if not isinstance(record.body, Compared | Powered | Planted)]
    return Ledger((*kept, *told), reference.problems)
