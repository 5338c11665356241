"""Starts a worker, and loses no time: what a pair of workers takes to start could go into more samples.

Run as `python -m bench.regression.start FD`, in the folder of the side's twins.
"""

import sys
import warnings
from multiprocessing.connection import Connection

from ..importing import importing


def main() -> None:
    """Serves the pipe whose number is given."""
    warnings.filterwarnings("ignore")
    with importing():
        from .worker import serve
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
