"""The cache key of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of

if TYPE_CHECKING:
    from arcgate.data_node import Data

# The module that computes the pixels; with it count all that it imports.
PIXELS: Final = ("arcgate.injection.build",)


def spec_digest(data: Data, hosts_digest: str) -> str:
    """Cache key of a data set: its specification, the content of its hosts and the code that determines pixels.

    Parameters
    ----------
    data : Data
        Specification. The folder of a stamp pack is left out: its content counts, not its place.
    hosts_digest : str
        Digest of the host survey's content.
    """
    content = as_plain(data)
    content["hosts"].pop("path", None)
    return digest_of({"data": content, "hosts": hosts_digest, "code": code_version(PIXELS)})
