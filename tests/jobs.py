"""Which job of continuous integration a file of tests belongs to. The one place that says so; each job is a marker.

What is in no list is `pure`: it runs in the processes of the tests alone.
"""

JOBS = {
    "pure": "in the tests' own processes: the gate, its controls, records, reports",
    "processes": "starts processes of ours: workers, commands, forks, writers that are killed",
    "tools": "asv, a browser, TensorBoard, Apache Otava, pytest-benchmark, wheels, Sphinx, peers of the power study",
}
"""Marker -> what its tests need."""
OF_FILES = {
    "processes": (
        *("test_actions", "test_architecture", "test_cli", "test_comparing", "test_duplicates", "test_matrix"),
        *("test_mutation", "test_places", "test_processes", "test_journal", "test_repository", "test_resumption"),
        *("test_roofline", "test_search_path", "test_seventh_finding", "test_side", "test_sweep", "test_shown"),
        *(
            "test_base",
            "test_without_torch",
            "test_command",
            "test_faults",
            "test_files",
            "test_classes",
            "test_written",
            "test_doors",
            "test_start",
            "test_fresh",
            "test_ladders",
            "test_peers",
            "test_hub_environment",
        ),
    ),
    "tools": (
        *("test_asv", "test_history", "test_page", "test_power", "test_saved_benchmarks", "test_otava"),
        *("test_tensorboard", "test_wheel", "test_docs"),
    ),
}


def job_of(file: str) -> str:
    """The job of a file of tests, by its name without the ending."""
    return next((job for job, files in OF_FILES.items() if file in files), "pure")
