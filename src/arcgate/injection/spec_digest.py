"""The cache key of a data set."""

from __future__ import annotations

from typing import Final

from arcgate.data_node import Data
from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.hosts_node import counting
from arcgate.survey.parents import parents_digest
from arcgate.survey.source_images import images_digest

# The module that computes the pixels; with it count all that it imports.
PIXELS: Final = ("arcgate.injection.build",)


def spec_digest(data: Data, hosts: str | None = None) -> str:
    """Cache key of a data set: its specification, the content of its files and the code that determines pixels.

    Parameters
    ----------
    data : Data
        Specification. Folders of files are left out: their content counts, not their place.
    hosts : str, optional
        Digest of its parents, where it is known: nothing is read for it then.

    Raises
    ------
    ArcgateError
        Such a folder is unusable.
    """
    content = as_plain(data) | {"hosts": counting(data.hosts), "source": counting(data.source)}
    hosts = parents_digest(data.hosts, data.imaging) if hosts is None else hosts
    return digest_of({"data": content, "hosts": hosts, "images": images_digest(data.source), "code": code_version(PIXELS)})
