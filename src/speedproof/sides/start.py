"""Starts a worker, and loses no time: what a pair of workers takes to start could go into more samples.

The twins are found in the side's folder and this ruler in its own, each by name: whatever else lies in either, such as
a ruler of the side's own, is no part of the worker.
"""

import sys
import warnings
from multiprocessing.connection import Connection

from speedproof.importing import importing

CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from speedproof import search_path; "
    "own, root = search_path.OWN, search_path.ROOT; search_path.own_code_alone({**own, root: own[root][:1]}); "
    "search_path.find_only(sys.argv[2], own[root][1:]); from speedproof.sides.start import main; main()"
)
"""What Python runs, given the folder of the instrument, that of the twins, and the number of a pipe."""


def main() -> None:
    """Serves the pipe whose number is given."""
    warnings.filterwarnings("ignore")
    with importing():
        from .worker import serve
    serve(Connection(int(sys.argv[3])))
