from .errors import BadInput as BadInput
from .errors import NotEquivalent as NotEquivalent
from .gate.certificate import Certificate as Certificate
from .own.asking import Checked as Checked
from .own.asking import certified as certified
from .own.asking import check as check
from .own.doors.notebook import load_ipython_extension as load_ipython_extension
from .own.pair import OwnPair as Pair
from .own.proof import verify as verify
from .own.same import argmax as argmax
from .own.same import clusters as clusters
from .own.same import numbers as numbers
from .own.same import ranking as ranking
from .own.same import sets as sets

__all__ = [
    "BadInput",
    "Certificate",
    "Checked",
    "NotEquivalent",
    "Pair",
    "argmax",
    "certified",
    "check",
    "clusters",
    "numbers",
    "ranking",
    "sets",
    "verify",
]
