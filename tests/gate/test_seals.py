"""Seals and fingerprints: of what was recorded, and of nothing that a rename or a new field would change."""

import json
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter

from speedproof.digest import digest, recorded
from speedproof.errors import Uncertified
from speedproof.folders import ROOT
from speedproof.gate import certificate as certificates
from speedproof.gate.certificate import Certificate, issue
from speedproof.pairs.contract import Evidence
from speedproof.pairs.workload import DIGESTED, Workload
from speedproof.records.record import read
from speedproof_studies.kinds import KINDS

RECORDS = ROOT / "results" / "records"
CONTENT: dict[str, Any] = {
    "finding": "text_batching",
    "function": "extract_features",
    "workload": Workload("smoke", "tiny", 4, given=("a", "b")),
    "twin": "batched",
    "sources": {"sequential": "1", "candidate": "2"},
    "environment": "e",
    "allowed": {"element": 1e-6},
    "definition": Evidence(3, {"element": 1e-7}, "text 1"),
    "candidate": Evidence(3, {"element": 2e-7}, "text 2", 1),
    "n_checks": 5,
    "gate": "g",
}
"""What a certificate says."""


def as_data(one: Certificate) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(TypeAdapter(Certificate).dump_json(one))
    return told


def read_again(data: dict[str, Any]) -> Certificate:
    return TypeAdapter(Certificate).validate_json(json.dumps(data))


OLD: dict[str, Any] = {
    "finding": "text_batching",
    "function": "explore_feature",
    "workload": {
        "name": "solved",
        "subject": "solved",
        "n_items": 70,
        "form": "own",
        "seed": 0,
        "dtype": "float32",
        "n_threads": 2,
        "given": [],
        "n_categories": 7,
    },
    "twin": "batched",
    "sources": {"sequential": "325b10c2b0cf85d6", "candidate": "94968e4ef1f66f7b"},
    "environment": "2d46969ab5b5730a",
    "allowed": {"element": 6.743495761743046e-07, "length": 6.743495761743046e-07, "direction": 6.743495761743046e-07},
    "definition": {
        "n_compared": 140,
        "worst_errors": {"element": 0.0},
        "worst_at": "text 'import numpy as np': 10 vs 10",
        "n_in_band": 0,
    },
    "candidate": {
        "n_compared": 598,
        "worst_errors": {"element": 0.0},
        "worst_at": "text 'import numpy as np': 10 vs 10",
        "n_in_band": 0,
    },
    "n_checks": 13,
    "gate": "877ec1152ed5bbf2",
    "seal": "1454bd2edc53b2b1",
}
"""A certificate as it was recorded before seals had versions."""


def old_ones() -> list[dict[str, Any]]:
    """That one, and those like it that are committed."""
    found = [OLD]
    for path in sorted(RECORDS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)["body"].get("certificate")
            if one and "seal_version" not in one:
                found.append(one)
    return found


def test_committed_records_are_read_without_a_problem() -> None:
    ledger = read(ROOT / "results", KINDS)
    assert ledger.records and not ledger.problems


def test_old_certificates_stay_valid_and_tampered_ones_are_refused() -> None:
    old = old_ones()
    assert all(read_again(one).seal_version == 1 for one in old)
    for name, other in (("twin", "other"), ("n_checks", 1), ("gate", ""), ("environment", "elsewhere")):
        with pytest.raises(Uncertified):
            read_again({**OLD, name: other})
    for part, name, other in (("workload", "n_items", 1), ("candidate", "n_compared", 10**6), ("workload", "seed", 9)):
        with pytest.raises(Uncertified):
            read_again({**OLD, part: {**OLD[part], name: other}})


def test_a_new_certificate_survives_the_way_through_a_record_and_a_tampered_one_is_refused() -> None:
    sealed = issue(**CONTENT)
    data = as_data(sealed)
    assert sealed.seal_version == 2 and read_again(data) == sealed
    parts = {"workload", "definition", "candidate", "sources", "allowed"}
    for name in set(data) - {"seal", "seal_version"} - parts:
        other = {int: 77, str: "other", list: ["other"], dict: {"aspect": "other"}}[type(data[name])]
        with pytest.raises(Uncertified):
            read_again({**data, name: other})
    for part in parts:
        for name, value in data[part].items():
            other = {str: "long", int: 77, float: 0.5, dict: {"element": 0.5}, list: ["x"]}[type(value)]
            with pytest.raises(Uncertified):
                read_again({**data, part: {**data[part], name: other}})


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_seal_of_one_kind_is_none_of_another(version: int) -> None:
    with pytest.raises(Uncertified):
        read_again({**as_data(issue(**CONTENT)), "seal_version": version})
    with pytest.raises(Uncertified):
        read_again({**OLD, "seal_version": 2})


@dataclass(frozen=True)
class Renamed:
    """A workload under another name, its fields in another order, with a new one."""

    later: str = ""
    n_categories: int = 7
    given: tuple[str, ...] = ()
    n_threads: int = 2
    dtype: str = "float32"
    seed: int = 0
    form: str = "own"
    n_items: int = 4
    subject: str = "tiny"
    name: str = "smoke"


def renamed(one: Workload, **more: Any) -> Any:
    return Renamed(**{f.name: getattr(one, f.name) for f in fields(one)}, **more)


@pytest.mark.parametrize("version", [1, 2])
def test_a_renamed_class_another_order_and_a_new_field_leave_a_seal_as_it_is(version: int) -> None:
    seal = certificates._SEALS[version]
    workload = CONTENT["workload"]
    assert seal({**CONTENT, "workload": renamed(workload)}) == seal(CONTENT)
    assert seal(dict(reversed(CONTENT.items()))) == seal(CONTENT)
    for other in (renamed(replace(workload, seed=1)), renamed(workload, later="said")):
        assert seal({**CONTENT, "workload": other}) != seal(CONTENT)


@pytest.mark.parametrize("version", [1, 2])
def test_a_field_that_is_added_to_certificates_voids_no_record_unless_it_says_something(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = certificates._SEALS[version](CONTENT)
    grown = make_dataclass("Grown", [("inputs", str, field(default=""))], bases=(Certificate,), frozen=True)
    monkeypatch.setattr(certificates, "Certificate", grown)
    assert certificates._SEALS[version]({**CONTENT, "inputs": ""}) == before == certificates._SEALS[version](CONTENT)
    assert certificates._SEALS[version]({**CONTENT, "inputs": "others"}) != before


def test_a_workloads_fingerprint_is_made_of_what_it_says() -> None:
    one = Workload("smoke", "tiny", 4, given=("a",))
    before = digest(recorded(Workload, vars(one), DIGESTED))
    for other, same in ((renamed(one), True), (renamed(one, later="said"), False), (replace(one, seed=1), False)):
        assert (digest(recorded(type(other), vars(other), DIGESTED)) == before) == same
    assert recorded(Workload, vars(one), DIGESTED).keys() == {f.name for f in fields(Workload)}


def test_workloads_of_committed_records_have_the_fingerprints_that_they_had() -> None:
    assert Workload("smoke", "tiny", 0, form="none").digest == digest(
        {
            **{"name": "smoke", "subject": "tiny", "n_items": 0, "form": "none", "seed": 0, "dtype": "float32"},
            **{"n_threads": 2, "given": [], "n_categories": 7},
        }
    )


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, SimpleNamespace(a=1), b"x", 1j])
def test_no_fingerprint_is_made_of_what_is_no_plain_data(value: Any) -> None:
    with pytest.raises(TypeError):
        digest([value])
