"""Plots, conclusions and caveats of the page: true to the records, valid to Plotly, and not open to markup."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from speedproof.pairs.finding import TWINS, Claim
from speedproof.records.record import Ledger, read
from speedproof.records.sides import Compared
from speedproof.report import report as reports
from speedproof.report.figure import Figure
from speedproof.report.page.card import Card
from speedproof.report.page.conclusion import conclusion, overall
from speedproof.report.page.plot import Plot, label, log_axis, round_ticks
from speedproof.report.page.samples import sample_plot, samples
from speedproof.report.page.sides import ORDER, matrix_plot
from speedproof.report.page.sittings import null_plot
from speedproof.report.page.work import gist, quantity, why
from speedproof.report.row import Row
from speedproof.report.sides import change
from speedproof.timing.comparison import Comparison, Verdict
from speedproof.timing.launches import Launch
from speedproof_studies.kinds import KINDS
from speedproof_studies.sections import SECTIONS, Power
from tests.made_up import HOSTILE, made_up
from tests.reporting import build, launches, told


@pytest.fixture(scope="module")
def reference(published: Path) -> Ledger:
    return read(published / "results", KINDS)


@pytest.fixture(scope="module")
def built(reference: Ledger) -> reports.Report:
    return build(made_up(reference), sections=SECTIONS)


def plots_of(card: Card) -> Iterator[Plot]:
    drawn = [card.intervals, card.work, card.climb, card.roof, card.history]
    yield from (plot for plot in (*drawn, *(p for _, p in card.sizes), *(p for _, p in card.samples)) if plot)


def all_plots(built: reports.Report) -> list[Plot]:
    found = [plot for card in built.cards for plot in plots_of(card)]
    power = told(built, Power)
    others = [null_plot("nulls", built.nulls), power.planted_plot]
    found += [plot for plot in others if plot]
    return [*found, *power.plots, *(matrix_plot("matrix", grid) for grid in built.grids)]


def coloured(value: Any) -> Any:
    """The same with every role filled in, as the page's script does it."""
    if isinstance(value, list):
        return [coloured(one) for one in value]
    if isinstance(value, dict):
        return "#123456" if set(value) == {"role"} else {key: coloured(one) for key, one in value.items()}
    return value


def test_plotly_takes_every_plot_as_it_is(built: reports.Report) -> None:
    plots = all_plots(built)
    assert len(plots) > 30 and len({plot.name for plot in plots}) == len(plots)
    for plot in plots:
        go.Figure(coloured(json.loads(plot.json)))


def test_plotly_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="Invalid"):
        go.Figure({"data": [{"type": "scatter", "symbol": "circle"}], "layout": {}})


def test_every_role_is_a_colour_of_the_page_in_light_and_in_dark(built: reports.Report) -> None:
    style = (Path(reports.__file__).parent / "page/templates/page.css").read_text()
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]

    def roles(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [value["role"]] if set(value) == {"role"} else roles(list(value.values()))
        elif isinstance(value, list):
            yield from (found for one in value for found in roles(one))

    named = {name for plot in all_plots(built) for name in roles(json.loads(plot.json))}
    assert len(named) > 10
    for name in named:
        assert f"--{name}:" in light and f"--{name}:" in dark, name


def test_intervals_stand_where_the_records_have_them(built: reports.Report) -> None:
    for card in built.cards:
        assert card.intervals is not None
        comparison = card.rows[0].figure.comparison
        assert comparison is not None
        mark = card.intervals.traces[0]
        low, high = comparison.interval
        assert mark["x"] == [comparison.speedup]
        assert mark["x"][0] - mark["error_x"]["arrayminus"][0] == pytest.approx(low)
        assert mark["x"][0] + mark["error_x"]["array"][0] == pytest.approx(high)
        bands = [shape for shape in card.intervals.layout["shapes"] if shape["type"] == "rect"]
        assert bool(bands) == bool(card.finding.claim.band)


def test_samples_stand_in_the_order_in_which_they_were_taken() -> None:
    one = Launch(0, (4.0, 5.0), (1.0, 2.0), (True, False), (1, 1))
    taken = sorted(samples([one, one]), key=lambda sample: sample.place)
    assert [sample.s for sample in taken] == [4.0, 1.0, 2.0, 5.0] * 2
    assert [sample.was_first for sample in taken] == [True, False] * 4
    assert taken[4].launch == 1 and taken[4].place > taken[3].place + 1


def test_a_plot_of_samples_has_every_sample_of_the_record(built: reports.Report) -> None:
    figure = next(row.figure for row in built.rows if row.finding.name == "sae_cache")
    comparison = figure.comparison
    assert comparison is not None
    plot = sample_plot("samples", comparison, figure.about)
    by_arm = zip(*((one.baseline_s, one.contender_s) for one in comparison.launches), strict=True)
    for trace, taken in zip(plot.traces, by_arm, strict=True):
        wanted = [s for launch in taken for s in launch]
        factor = trace["y"][0] / wanted[0]
        assert sorted(trace["y"]) == pytest.approx(sorted(s * factor for s in wanted))


def test_text_is_shown_as_it_is_and_breaks_out_of_nothing(reference: Ledger) -> None:
    grid = build(made_up(reference, HOSTILE)).grids[0]
    plot = matrix_plot("matrix", grid)
    assert "<" not in plot.json and "&" not in plot.json
    shown = json.loads(plot.json)["data"][0]["x"][0]
    assert shown == label(HOSTILE) and "<" not in shown


def test_a_matrix_has_a_cell_for_each_twin_and_side_by_the_worst_that_it_tells(built: reports.Report) -> None:
    (grid,) = built.grids
    (cells,) = matrix_plot("matrix", grid).traces
    assert len(cells["z"]) == 6 and all(len(row) == 3 for row in cells["z"])
    for about, row in zip(reversed(grid.abouts), cells["z"], strict=True):
        assert [ORDER[one] for one in row] == [change(column.found[about]) for column in grid.columns]
    assert {row[2] for row in cells["z"]} == {ORDER.index("unsupported")}
    assert grid.columns[2].failure == "No release of sae-lens takes it."
    assert {"work", "slower", "rounding", "same"} <= {ORDER[one] for row in cells["z"] for one in row}


def test_a_side_held_again_is_told_by_its_newest_sitting(reference: Ledger) -> None:
    older = made_up(Ledger((), ()))
    newer = [record.model_copy(update={"sitting": "newer"}) for record in older.records]
    (grid,) = build(Ledger((*older.records, *newer), ())).grids
    assert [column.sitting.name for column in grid.columns] == ["newer"] * 3


def test_a_figure_of_two_sides_names_its_machine_and_not_the_reports(reference: Ledger) -> None:
    made = [record for record in made_up(Ledger((), ())).records if isinstance(record.body, Compared)]
    there = reference.records[0].environment.model_copy(update={"processor": "Another processor"})
    built = build(Ledger((*reference.records, *(one.model_copy(update={"environment": there}) for one in made)), ()))
    (grid,) = (one for one in built.grids if "Another processor" in one.machines)
    for form in ("report.md", "index.html"):
        assert grid.machines in reports.render(built, form)
    assert built.moved and all(
        (machine in grid.machines) == (one.body.before == grid.first) for one, machine in built.moved
    )


def test_sides_held_on_another_subject_have_a_grid_of_their_own(reference: Ledger) -> None:
    own = made_up(Ledger((), ()))
    elsewhere = [
        record.model_copy(update={"sitting": "elsewhere", "body": on(record.body, "elsewhere")})
        for record in own.records
        if isinstance(record.body, Compared)
    ]
    ledger = Ledger((*own.records, *elsewhere), ())
    told = {subject: build(ledger, subject=subject).grids for subject in (None, "elsewhere", "nowhere")}
    sittings = {
        subject: {one.sitting.name for grid in found for one in grid.columns} for subject, found in told.items()
    }
    assert sittings == {None: {"made-up"}, "elsewhere": {"elsewhere"}, "nowhere": set()}


@pytest.mark.parametrize(
    ("subject", "command"),
    [(None, "make bench"), ("real", "make bench SUBJECT=real"), ("a b", "make bench SUBJECT='a b'")],
)
def test_a_report_says_how_it_is_made_anew(subject: str | None, command: str, reference: Ledger) -> None:
    assert build(reference, subject=subject).again == command


def test_a_cards_commands_ask_about_the_reports_subject(reference: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build(reference)
    (one, *_) = built.cards
    assert built.command(one.finding, "check") == f"python -m bench check {one.finding.name}"
    elsewhere = build(reference, subject="a b").command(one.finding, "check")
    assert elsewhere == f"python -m bench check {one.finding.name} --subject 'a b'"
    monkeypatch.setattr(reports.Report, "command", lambda self, finding, verb: f"{verb} of {finding.name}")
    page = reports.render(built, "index.html")
    assert all(f"<code>{verb} of {one.finding.name}</code>" in page for verb in ("check", "measure", "profile"))


def on(body: Compared, subject: str) -> Compared:
    return body.model_copy(update={"workload": replace(body.workload, subject=subject)})


def test_the_report_in_markdown_has_what_the_page_has(built: reports.Report) -> None:
    text, page = (reports.render(built, name) for name in ("report.md", "index.html"))
    for card in built.cards:
        for words in (card.conclusion.sentence, card.why, *card.caveats):
            assert words in text
        assert f'<article class="card" id="{card.finding.name}"' in page
    for words in (
        "transformer-lens==2.18.0",
        "one more forward pass",
        "false alarms",
        "No release of sae-lens takes it",
    ):
        assert words in text and words in page
    assert "plot-matrix-1" in page and "plot-power-loaded" in page and "plot-planted" in page


GATE_KINDS = ("judged", "rewritten", "mutated")
"""Records without which nothing is told of the gate."""


def test_sections_without_records_are_not_shown(reference: Ledger) -> None:
    bare = build(reference, sections=SECTIONS)
    without = build(Ledger(tuple(r for r in reference.records if r.kind not in GATE_KINDS), ()), sections=SECTIONS)
    for name, shown in (("sides", bare.grids), ("power", [e for e in bare.extras if e.section.name == "power"])):
        assert (f'id="{name}"' in reports.render(bare, "index.html")) == bool(shown)
    assert 'id="gate"' not in reports.render(without, "index.html")


def test_earlier_figures_are_of_the_same_question_and_the_newest_is_the_reports(built: reports.Report) -> None:
    for row in built.rows:
        own = [one for one in built.earlier if one.about.function == row.pair.name]
        assert own and own[-1].record is row.figure.record
        assert len({one.about.workload for one in own}) == 1
        written = [one.record.written for one in own if one.record]
        assert written == sorted(written)


def conclude(row: Row, claim: Claim, speedup: float, verdict: Verdict = Verdict.VERIFIED) -> tuple[str, str]:
    assert row.figure.comparison is not None
    measured = Comparison(row.figure.comparison.certificate, launches(speedup))
    figure = replace(row.figure, comparison=measured, verdict=verdict)
    found = conclusion(replace(row, finding=replace(row.finding, claim=claim), figure=figure, careful=None))
    return found.standing, found.sentence


@pytest.mark.parametrize(
    ("claim", "speedup", "standing", "words"),
    [
        (Claim.speedup(5, 10, "5-10x"), 20, "holds", "More than the 5-10x claimed"),
        (Claim.speedup(5, 10, "5-10x"), 7, "holds", "Within the 5-10x claimed"),
        (Claim.speedup(5, 10, "5-10x"), 3, "refuted", "Not the 5-10x claimed: less than claimed"),
        (Claim.speedup(5, 10, "5-10x"), 0.5, "refuted", "Not the 5-10x claimed: slower"),
        (Claim.faster("minor"), 2, "holds", "Faster"),
        (Claim.no_change("quality"), 2, "refuted", "It does change the speed: 50.1% faster"),
    ],
)
def test_a_conclusion_says_what_the_interval_says(
    claim: Claim, speedup: float, standing: str, words: str, built: reports.Report
) -> None:
    found = conclude(next(row for row in built.rows if row.finding.name == "sae_cache"), claim, speedup)
    assert found[0] == standing and found[1].startswith(words)


def test_what_has_no_figure_or_is_not_settled_is_not_said_to_hold(built: reports.Report) -> None:
    row = next(row for row in built.rows if row.finding.name == "sae_cache")
    assert conclude(row, Claim.faster("minor"), 1.001, Verdict.AMBIGUOUS)[0] == "open"
    withheld = conclusion(replace(row, figure=Figure(row.figure.about, Verdict.WITHHELD, "not run")))
    assert withheld.standing == "withheld" and withheld.sentence == "No figure: not run."
    assert overall(["holds", "open", "holds", "withheld"]) == "2 hold, 1 is not settled, 1 has no figure"


def test_why_names_what_the_finding_is_about_first_and_what_is_done_besides(built: reports.Report) -> None:
    words = why(built.rows[0].counted)
    assert words.startswith("forward passes 14 → 1, ") and words.endswith(" (in one call on 14 of 70 items)")
    counted = built.rows[0].counted
    assert counted
    counted = counted.model_copy(update={"n_items": None})
    passes = {"forward_passes": 70, "computed_tokens": 100}, {"forward_passes": 1, "computed_tokens": 140}
    padded = counted.model_copy(update={"counts": dict(zip(TWINS, passes, strict=True))})
    assert why(padded) == "forward passes 70 → 1, but computed tokens 100 → 140"
    more = counted.model_copy(update={"counts": {"sequential": {"calls": 100}, "batched": {"calls": 140}}})
    assert why(more) == "no counter fell, calls 100 → 140"
    assert gist(built.rows[0].counted) == "forward passes 14 → 1 (in one call on 14 of 70 items)" and gist(None) == ""
    assert why(None) == "" and quantity("bytes_allocated", 1_881_743_552) == "1.88 GB"
    assert quantity("flops", 201_661_396_992) == "202 GFLOP" and quantity("forward_passes", 10_000) == "10,000"


def test_a_card_says_what_not_to_conclude(built: reports.Report) -> None:
    by_name = {card.finding.name: card.caveats for card in built.cards}
    open_rows = [row for row in built.rows if row.figure.verdict is Verdict.AMBIGUOUS]
    assert open_rows, "the committed sitting settles everything: a row that it leaves open must be made up here"
    for row in open_rows:
        assert any(f"{row.pair.name} is undecided" in caveat for caveat in by_name[row.finding.name])
    assert any("no figure at" in caveat and "20,000" in caveat for caveat in by_name["category_lookup"])
    assert all(any(caveat.startswith("One machine:") for caveat in caveats) for caveats in by_name.values())


def test_a_log_axis_holds_its_values_and_has_round_ticks() -> None:
    assert round_ticks(0.9, 25, (0.5, 1, 2, 5, 10, 20, 50)) == [1, 2, 5, 10, 20]
    assert round_ticks(0.93, 1.07, (0.5, 1, 2)) == pytest.approx([0.96, 1.0, 1.04])
    axis = log_axis([0.5, 300.0, float("inf"), 0.0])
    low, high = (10**end for end in axis["range"])
    assert low < 0.5 and high > 300 and len(axis["tickvals"]) == len(axis["ticktext"]) <= 6
