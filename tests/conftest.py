"""Subjects that several tests share; loading one costs more than using it."""

import os

import pytest

from bench.subject import Subject, find_subject

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def tiny() -> Subject:
    return find_subject("tiny")


@pytest.fixture(scope="session")
def solved() -> Subject:
    return find_subject("solved")


@pytest.fixture(scope="session")
def tiny_bridge() -> Subject:
    return find_subject("tiny:bridge")
