"""Subjects that several tests share; loading one costs more than using it."""

import os

# Before anything imports a library that reads them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest

from bench.certificate import Certificate
from bench.check import certify
from bench.findings import find
from bench.subject import Subject, find_subject


@pytest.fixture(scope="session")
def tiny() -> Subject:
    return find_subject("tiny")


@pytest.fixture(scope="session")
def solved() -> Subject:
    return find_subject("solved")


@pytest.fixture(scope="session")
def tiny_bridge() -> Subject:
    return find_subject("tiny:bridge")


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    finding = find("sae_cache")
    answer = certify(finding, finding.pairs[0], finding.pairs[0].workload("smoke"))
    assert isinstance(answer, Certificate)
    return answer
