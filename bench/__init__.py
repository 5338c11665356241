"""The six findings, and asv's door. Start at README.md in this folder."""

import os
import sys

if "speedproof" not in sys.modules:
    # asv and `python -m bench` load this package first. The instrument is the one that lies beside these findings, also
    # where another one is installed; `src` holds no twins, so under asv those stay the commit's.
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "src"))
