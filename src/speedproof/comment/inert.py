"""Inert text: whatever a stranger wrote, shown as it is and doing nothing.

Everything of a stranger's stands in a code span, in which Markdown knows no HTML, no link, no picture and no mention.
What would end the span, or hide what it says, is taken out.
"""

import re
import unicodedata

NOT_SEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Me")
"""Kinds of characters that show nothing or turn what stands beside them: controls, directions, joiners, surrogates,
private and unassigned ones, and marks that enclose."""
MOST_MARKS = 2
"""Accents on one letter; more of them climb over other lines."""
FILLERS = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"
"""Letters and marks by their kind that show nothing."""


def inert(text: str, most: int) -> str:
    """At most so many characters of a text as a code span, in one line."""
    spaced = " ".join(re.sub(r"[\s\u2028\u2029]+", " ", text).split())
    seen = (
        c for c in unicodedata.normalize("NFC", spaced) if unicodedata.category(c) not in NOT_SEEN and c not in FILLERS
    )
    # A backtick would end the span; a variation selector turns a sign into a picture.
    kept = "".join(c for c in seen if not 0xFE00 <= ord(c) <= 0xFE0F).replace("`", "'")
    kept = " ".join(_few_marks(kept).split())
    if len(kept) > most:
        kept = f"{kept[: most - 3].rstrip()}..."
    return f"`{kept}`" if kept else "`?`"


def _few_marks(text: str) -> str:
    found, n_marks = [], 0
    for c in text:
        n_marks = n_marks + 1 if unicodedata.category(c) == "Mn" else 0
        if n_marks <= MOST_MARKS:
            found.append(c)
    return "".join(found)
