"""The card of a parents catalogue: what was selected from what, and what each cut left. Written last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from arcgate.ground.atomic import write_json
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import as_plain
from arcgate.survey.catalogue.columns import PARENTS
from arcgate.survey.catalogue.flow import OTHER, Counts
from arcgate.survey.catalogue.inputs import Inputs
from arcgate.survey.catalogue.merging import Merged, Part
from arcgate.survey.catalogue.part import file_digest
from arcgate.survey.catalogue.spec import ParentsSpec
from arcgate.survey.catalogue.twins import RULE

CARD: Final = "card.json"
_AGAIN: Final = "delete the folder and run `arcgate parents` again: parts that are finished are kept"


def is_made(folder: Path) -> bool:
    """Whether a finished catalogue lies in a folder: it has a card, and its table the size that the card states."""
    if not (folder / CARD).is_file():
        return False
    try:
        return bool((folder / PARENTS).stat().st_size == read_card(folder)["bytes"])
    except FileNotFoundError:
        return False


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a finished catalogue.

    Raises
    ------
    ArcgateError
        There is none, or it is damaged.
    """
    path = folder / CARD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArcgateError("there is no finished catalogue of parents", where=folder, todo="run `arcgate parents`") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArcgateError(f"the card of the catalogue is damaged: {error}", where=path, todo=_AGAIN) from error
    if not isinstance(found, dict) or not {"bytes", "sha256", "rows", "cut_flow"} <= set(found):
        raise ArcgateError("the card of the catalogue lacks what a card states", where=path, todo=_AGAIN)
    return found


def verify(folder: Path) -> None:
    """Compare a catalogue's table with the checksum on its card.

    Raises
    ------
    ArcgateError
        They differ, or there is no catalogue.
    """
    card, path = read_card(folder), folder / PARENTS
    if not path.is_file() or file_digest(path) != card["sha256"]:
        raise ArcgateError("the table of the catalogue is damaged: its checksum is another", where=path, todo=_AGAIN)


def write_card(
    folder: Path, digest: str, code: str, spec: ParentsSpec, inputs: Inputs, parts: Sequence[Part], merged: Merged
) -> None:
    """Write the card of a catalogue whose table is written."""
    counts = sum((part.receipt.counts for part in parts), start=Counts.none(spec.selection))
    choice, other = spec.selection.extinction, OTHER[spec.selection.extinction]
    flow = _flow(spec, parts, counts, merged)
    card = {
        "digest": digest,
        "rows_digest": merged.rows_digest,
        "rows": merged.rows,
        "bytes": (folder / PARENTS).stat().st_size,
        "sha256": file_digest(folder / PARENTS),
        "bands": list(spec.bands),
        "selection": as_plain(spec.selection),
        "cut_flow": flow,
        "extinction": {
            "choice": choice,
            "selected": {choice: counts.chosen[-1], other: counts.other[-1]},
            "left": {
                choice: list(counts.chosen),
                other: list(counts.other),
            },
        },
        "known_lenses": [
            {"path": path, "sha256": sha256, "removed": before - after}
            for (path, sha256), before, after in zip(inputs.lenses.items(), *_around_lenses(parts, counts), strict=True)
        ],
        "lens_radius_arcsec": spec.lens_radius_arcsec,
        "twins": {"radius_arcsec": spec.twin_radius_arcsec, "rule": RULE},
        "root": spec.root,
        "versions": dict(spec.versions),
        "extra_versions": dict(spec.extra_versions),
        "inputs": [
            {
                "file": one.sweep.sweep.path.name,
                "footprint": one.footprint,
                "bytes": one.sweep.sweep.path.stat().st_size,
                "rows": one.sweep.sweep.rows,
                "fingerprint": one.fingerprint,
            }
            for one in inputs.sweeps
        ],
        "code": code,
        "arcgate": version("arcgate"),
    }
    write_json(folder / CARD, card)


def _flow(spec: ParentsSpec, parts: Sequence[Part], counts: Counts, merged: Merged) -> list[dict[str, object]]:
    """Rows that are left after each step, from all rows of the sweeps to those that were written."""
    flow: list[dict[str, object]] = [{"cut": "all rows", "left": sum(part.receipt.rows_read for part in parts)}]
    for (name, cut), left in zip(spec.selection.cuts.items(), counts.chosen, strict=True):
        spared = sum(name in part.receipt.spared for part in parts)
        note = f" ({spared} of {len(parts)} sweeps lack it)" if spared else ""
        flow.append({"cut": cut.in_words() + note, "left": left})
    for path, left in zip(spec.known_lenses, _around_lenses(parts, counts)[1], strict=True):
        flow.append({"cut": f"no lens of {Path(path).name} within {spec.lens_radius_arcsec:g} arcsec", "left": left})
    if len(spec.versions) > 1:
        flow.append({"cut": "one row of a galaxy that both surveys list", "left": merged.without_twins})
    flow.append({"cut": "each object once", "left": merged.rows})
    return flow


def _around_lenses(parts: Sequence[Part], counts: Counts) -> tuple[list[int], list[int]]:
    """Rows before and after each list of known lenses."""
    after = [sum(column) for column in zip(*(part.receipt.lenses for part in parts), strict=True)]
    return [counts.chosen[-1], *after][: len(after)], after
