"""The cache key of a data set."""

from __future__ import annotations

from typing import Final

from arcgate.data_node import Data
from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.hosts_node import PLACES
from arcgate.survey.parents import parents_digest
from arcgate.survey.source_images import images_digest

# The module that computes the pixels; with it count all that it imports.
PIXELS: Final = ("arcgate.injection.build",)


def spec_digest(data: Data) -> str:
    """Cache key of a data set: its specification, the content of its files and the code that determines pixels.

    Parameters
    ----------
    data : Data
        Specification. Folders of files are left out: their content counts, not their place.

    Raises
    ------
    ArcgateError
        Such a folder is unusable.
    """
    content = as_plain(data)
    for part in (content["hosts"], content["hosts"].get("kernels") or {}, content["source"]):
        for name in PLACES:
            part.pop(name, None)
    hosts, images = parents_digest(data.hosts, data.imaging), images_digest(data.source)
    return digest_of({"data": content, "hosts": hosts, "images": images, "code": code_version(PIXELS)})
