"""A data set in words, for `arcgate inspect`, the head of a report, and lists of candidates."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from arcgate.dataset.card import CARD, counts, selection_on
from arcgate.dataset.receipts import Receipt
from arcgate.dataset.references import referred
from arcgate.dataset.schema import ROLES, SPLITS
from arcgate.dataset.selection_words import selection_words
from arcgate.ground.counting import count_of
from arcgate.imaging import Imaging

_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_WIDTH: Final = 100
_INDENT: Final = 13
_PROFILES: Final = {"gaussian": "Gaussian", "moffat": "Moffat", "kernel": "measured kernels"}
_CONVENTIONS: Final = {
    "noise_equivalent_area": "width from psfsize by its noise-equivalent area",
    "psfsize_as_fwhm": "psfsize taken as its FWHM",
    "fitted": "fitted to the measured kernel",
    "measured": "",
}
_SOURCES: Final = {"sersic": "Sersic profiles", "cosmos": "images of galaxies"}
_NOISES: Final = {"none": "arcs have none of their own", "poisson": "that of the arcs' own photons"}


def describe(folder: Path, card: Mapping[str, Any], receipts: Sequence[Receipt], table: pd.DataFrame) -> str:
    """Text of several lines about a data set, none longer than 100 characters but for its folder.

    Parameters
    ----------
    folder : Path
        Its folder.
    card, receipts
        As read.
    table : DataFrame
        Columns host_id, role, theta_e_arcsec, theta_e_over_psf, arc_snr_injected, and what names kernels and images, of all rows.

    Returns
    -------
    str
    """
    positives = table[table["role"] == "positive"]
    shards = count_of(len(receipts), "shard")
    facts = {
        "made": f"{made_on(folder)} by arcgate {card['arcgate']}",
        **made_of(card["data"]),
        "imaging": str(Imaging.of(card["imaging"])),
        "hosts": str(card["hosts"]),
        "galaxies": str(table["host_id"].nunique()),
        **referred(table),
        **({} if (selection := selection_on(card)) is None else selection_words(selection)),
    }
    after = {
        "theta_E": f"{_range(positives['theta_e_arcsec'])} arcsec",
        "theta_E/PSF": _quantiles(positives["theta_e_over_psf"]),
        "arc S/N": _quantiles(positives["arc_snr_injected"]),
        "size": f"{_size(sum(receipt.bytes for receipt in receipts))} in {shards}",
        "data digest": str(card["data_digest"]),
        "spec digest": str(card["spec_digest"]),
        "code": str(card["code_version"]),
        "schema": f"version {card['schema_version']}",
        "device": str(card["device"]),
        "libraries": ", ".join(f"{name} {version}" for name, version in card["libraries"].items()),
    }
    head = f"{'data set':<{_INDENT}}{folder}"
    return "\n".join([head, *aligned(facts), *_rows(receipts), *aligned(after)])


def made_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The choices that made a data set, each in a phrase, by what the field calls them.

    Parameters
    ----------
    data : mapping
        The data node of a card. What it does not state, as in cards of other makers, is left out.
    """
    phrases: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "controls": _controls,
        "psf": lambda psf: _named(
            psf, ", ".join(filter(None, (_PROFILES[psf["profile"]], _CONVENTIONS[psf["width_convention"]])))
        ),
        "core_mask": _mask,
        "grid": lambda grid: _named(
            grid,
            f"theta_E {_ends(grid['theta_e_arcsec'])} arcsec, sources {_ends(grid['dmag'])} mag fainter than the host",
        ),
        "source": lambda source: _SOURCES[source["kind"]],
        "noise": lambda noise: _named(noise, _NOISES[noise["arc"]]),
    }
    titles = {"psf": "PSF", "core_mask": "core mask", "source": "sources"}
    return {titles.get(key, key): phrase(data[key]) for key, phrase in phrases.items() if key in data}


def in_short(card: Mapping[str, Any]) -> str:
    """A data set in half a line: what tells it from others."""
    data = card["data"]
    names = [str(data[key]["name"]) for key in ("controls", "psf") if key in data]
    mask = data.get("core_mask", {}).get("name", "none")
    names += [f"mask {mask}"] if mask != "none" else []
    only = data.get("only_split")
    rows = sum(sum(roles.values()) for roles in card["counts"].values())
    return ", ".join([*names, count_of(rows, "row"), *([f"{only} split only"] if only else [])])


def made_on(folder: Path) -> str:
    """When a data set was finished, by its card's file."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime((folder / CARD).stat().st_mtime))


def aligned(facts: Mapping[str, str]) -> list[str]:
    """Names on the left, values on the right, wrapped at 100 characters."""
    lines = []
    for name, value in facts.items():
        wrapped = textwrap.wrap(value, _WIDTH - _INDENT, break_on_hyphens=False) or [""]
        lines += [f"{title:<{_INDENT}}{line}" for title, line in zip([name, *[""] * len(wrapped)], wrapped, strict=False)]
    return lines


def _named(choice: Mapping[str, Any], phrase: str) -> str:
    return f"{choice['name']} ({phrase})"


def _controls(controls: Mapping[str, Any]) -> str:
    if controls["name"] == "paired":
        return "paired (the same galaxy without the arc)"
    pool = "which may carry arcs elsewhere" if controls["pool"] == "any_other_host" else "which carry no arc"
    matched = f", matched on {', '.join(controls['match_on'])}" if controls["match_on"] else ""
    close = "".join(f", {column} to {caliper:g}" for column, caliper in controls.get("calipers", {}).items())
    cores = ", with cores as bright" if controls.get("core") else ""
    return f"{controls['name']} (other galaxies, {pool}{cores}{matched}{close})"


def _mask(mask: Mapping[str, Any]) -> str:
    if mask["kind"] == "none":
        return "none (arcs are added whole)"
    width = f", {mask['width_pix']:g} px wide" if mask["kind"] == "tanh" else ""
    return _named(mask, f"no arc within {mask['radius_pix']:g} px of the galaxy's centre; {mask['kind']} edge{width}")


def _ends(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _rows(receipts: Sequence[Receipt]) -> list[str]:
    """Rows by role (down) and split (across), with sums."""
    by_split = counts(receipts)
    splits = sorted(by_split, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split))
    present = {role for roles in by_split.values() for role in roles}
    roles = [role for role in ROLES if role in present] + sorted(present - set(ROLES))
    lines = ["rows         " + "".join(f"{name:>10}" for name in ("", *splits, "all"))]
    for role in roles:
        numbers = [by_split[split].get(role, 0) for split in splits]
        lines.append(f"             {role:>10}" + "".join(f"{number:>10,}" for number in (*numbers, sum(numbers))))
    totals = [sum(by_split[split].values()) for split in splits]
    lines.append(f"             {'all':>10}" + "".join(f"{number:>10,}" for number in (*totals, sum(totals))))
    return lines


def _range(values: pd.Series) -> str:
    known = values.dropna()
    return f"{known.min():.3g} to {known.max():.3g}" if len(known) else "none"


def _quantiles(values: pd.Series) -> str:
    known = values.dropna()
    if not len(known):
        return "none"
    return ", ".join(f"{level:.0%}: {known.quantile(level):.3g}" for level in _QUANTILES)


def _size(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"
