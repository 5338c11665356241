"""Starts a worker, and wastes no time on it: what a pair of workers takes to start could go into more samples.

Run as `python -m bench.regression.start FD`, in the folder of the side's twins.
"""

import gc
import sys
import warnings
from multiprocessing.connection import Connection


def main() -> None:
    """Serves the pipe whose number is given."""
    warnings.filterwarnings("ignore")
    # The libraries' imports make objects by the hundred thousand and hardly any garbage. Looking for it among them all,
    # again and again, is a sixth of the start.
    gc.disable()
    from .worker import serve

    gc.enable()
    serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
