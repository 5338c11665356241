"""What goes wrong between us and the hub, or in a file of its, in words. No token is ever among them."""

import pickle
from collections.abc import Iterator

from huggingface_hub import constants, get_token
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from speedproof.failures import disk_is_full

HIDDEN = "<token>"
"""What stands in place of a token."""
CLIENTS = ("httpx", "httpx2", "httpcore", "requests", "urllib3")
"""Libraries that talk to the hub, for huggingface_hub and SAELens. What they raise is about the network."""
PICKLED = ("weights only load failed", "allow_pickle=false", "contains pickled data")
"""What torch and NumPy say where a file would have to be unpickled."""
CUT = ("RemoteProtocolError", "ReadError", "ReadTimeout", "ChunkedEncodingError", "IncompleteRead")
"""What those raise where an answer ended before its end."""
UNSENT = ("LocalProtocolError", "UnicodeEncodeError", "InvalidHeader")
"""What is raised where a request holds what none may. Of all that is sent only the token is the user's own."""
TOO_MANY_REQUESTS = 429


def of_hub(error: BaseException) -> str | None:
    """What happened, what was expected and what next, as two sentences without the first one's subject.

    None where the exception is not about the hub, the disk that it is kept on or a pickle.
    """
    chain = list(_chain(error))
    if any(disk_is_full(one) for one in chain):
        return (
            f"the disk is full. Expected room for the download below {constants.HF_HOME}. Free space, or name another "
            "folder with HF_HOME. What is whole there is not fetched again"
        )
    if any(isinstance(one, pickle.UnpicklingError) or _says(one, PICKLED) for one in chain):
        return (
            "its file is a pickle that would run code as it is read. Expected tensors alone, since nothing is "
            "unpickled here. Choose another"
        )
    return _refused(chain) or _unreachable(chain)


def _refused(chain: list[BaseException]) -> str | None:
    """Words for what the hub answered."""
    statuses = [status for status in map(_status, chain) if status]
    if any(isinstance(one, GatedRepoError) for one in chain):
        who = "the account of the token has no access to it" if _token() else "no token is set"
        return (
            f"its repository is gated, and {who}. Expected a token with access. Ask for access at its page on "
            f"{constants.ENDPOINT}, and put the token into HF_TOKEN"
        )
    if any(isinstance(one, RepositoryNotFoundError) for one in chain):
        return (
            f"its repository is not at {constants.ENDPOINT}, or is private. Expected one that can be read. Put a token "
            "with access into HF_TOKEN, or choose another"
        )
    for one in chain:
        if isinstance(one, EntryNotFoundError) and _status(one):
            return f"{_file(one)} is not in its repository. Expected it there. Choose another"
    if not statuses:
        return None
    if statuses[0] == TOO_MANY_REQUESTS:
        return (
            "the hub asks for fewer requests (429). Expected an answer. Try again in some minutes; with a token in "
            "HF_TOKEN it allows more"
        )
    if statuses[0] >= 500:
        return f"the hub is out of order ({statuses[0]}). Expected an answer. Try again later"
    return f"the hub refuses it ({statuses[0]}). Expected a token that it accepts, or none. Correct HF_TOKEN"


def _unreachable(chain: list[BaseException]) -> str | None:
    """Words for where there was no answer, and the cache does not do."""
    if any(isinstance(one, OfflineModeIsEnabled) for one in chain) or (_is_absent(chain) and constants.HF_HUB_OFFLINE):
        return (
            "it is not whole in the hub's cache, and HF_HUB_OFFLINE forbids to ask the hub. Expected it there. Load it "
            "once without HF_HUB_OFFLINE"
        )
    if _token() and any(type(one).__name__ in UNSENT for one in chain):
        return "the token cannot be sent. Expected one of letters, digits and underscores. Correct HF_TOKEN"
    if any(type(one).__name__ in CUT or _says(one, ("consistency check failed",)) for one in chain):
        return "the download was cut. Expected the whole file. Try again; what is whole is not fetched again"
    if _is_absent(chain) or any(type(one).__module__.split(".")[0] in CLIENTS for one in chain):
        return (
            f"it is not whole in the hub's cache, and no hub answers at {constants.ENDPOINT}. Expected one of both. "
            "Look at the network, its proxy and HF_ENDPOINT"
        )
    return None


def without_token(words: str) -> str:
    """The words, with something else in place of the user's token."""
    token = _token()
    return words.replace(token, HIDDEN).replace(repr(token)[1:-1], HIDDEN) if token else words


def tells_token(error: BaseException) -> bool:
    """Whether an exception, or one that it came of, holds the user's token."""
    return any(without_token(str(one)) != str(one) for one in _chain(error))


def _token() -> str | None:
    """The user's, from the environment or a file; some are fetched, which may fail."""
    try:
        return get_token()
    except Exception:
        return None


def _is_absent(chain: list[BaseException]) -> bool:
    return any(isinstance(one, LocalEntryNotFoundError) for one in chain)


def _says(error: BaseException, words: tuple[str, ...]) -> bool:
    return any(one in str(error).lower() for one in words)


def _file(error: BaseException) -> str:
    """The file that was asked for, by its path in the repository."""
    path = str(getattr(getattr(error, "response", None), "url", "")).split("?")[0]
    return path.partition("/resolve/")[2].partition("/")[2] or "a file"


def _status(error: BaseException) -> int:
    """The number that the hub answered with; 0 where it did not."""
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it came of, each once."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__
