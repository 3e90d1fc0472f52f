"""Images of real galaxies as sources: read and prepared once, and kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import pandas as pd

from arcgate.data_node import CosmosSources, SersicSources, Sources
from arcgate.dataset.references import IMAGE_COLUMNS, image_row
from arcgate.ground.code_version import code_version
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import digest_of
from arcgate.ground.progress import say, step
from arcgate.survey.kept import kept_table

_CODE: Final = ("arcgate.survey.source_images",)


def images_digest(source: Sources) -> str | None:
    """SHA-256 over the files of the stamps and the code that prepares them; None for sources that are no images.

    Raises
    ------
    ArcgateError
        There are no files.
    """
    if isinstance(source, SersicSources):
        return None
    folder = Path(source.path)
    files = sorted(folder.glob("*.fits"))
    if not files:
        raise ArcgateError(
            "no HST stamps in GalSim's RealGalaxy layout (*.fits) are there",
            where=folder,
            todo="set data.source.path to their folder",
        )
    contents = {}
    for path in files:
        with path.open("rb") as file:
            contents[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digest_of({"files": contents, "code": code_version(_CODE)})


def source_images(source: Sources, data_dir: Path) -> pd.DataFrame | None:
    """The usable galaxies of a folder as sources; None for sources that are no images.

    Parameters
    ----------
    source : SersicSources or CosmosSources
    data_dir : Path
        Folder of artifacts; they are kept in `<data_dir>/hosts/<digest>`, beside the galaxies that carry arcs.

    Returns
    -------
    DataFrame or None
        Columns of `arcgate.dataset.references.IMAGE_COLUMNS`, a row an image.

    Raises
    ------
    ArcgateError
        Files that cannot be read, or of which no galaxy is usable.
    """
    if isinstance(source, SersicSources):
        return None
    folder = data_dir / "hosts" / str(images_digest(source))
    return kept_table(folder, lambda: _prepared(source), "sources")


def _prepared(source: CosmosSources) -> pd.DataFrame:
    # astropy reads the stamps: whoever only asks for a digest is spared it.
    from arcgate.survey.cosmos import cosmos_sources

    with step("preparing source images"):
        sources = cosmos_sources(Path(source.path))
    reasons = pd.Series([reason.split(":")[0] for _, reason in sources.refused], dtype=object).value_counts()
    lost = "; ".join(f"{count} {reason}" for reason, count in reasons.items())
    say(f"note: {len(sources.images)} source images are usable" + (f", left out are {lost}" if lost else ""))
    rows = [
        image_row(image, sources.scale_arcsec, float(radius), f"COSMOS {name}")
        for image, radius, name in zip(sources.images, sources.half_light_arcsec, sources.identifiers, strict=True)
    ]
    # One galaxy under two numbers would serve two splits.
    return pd.DataFrame(rows, columns=list(IMAGE_COLUMNS)).astype(IMAGE_COLUMNS).drop_duplicates("name", ignore_index=True)
