"""A data set in words, for `arcgate inspect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from arcgate.dataset.card import counts
from arcgate.dataset.receipts import Receipt
from arcgate.dataset.references import referred
from arcgate.dataset.schema import ROLES, SPLITS
from arcgate.imaging import Imaging

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def describe(folder: Path, card: Mapping[str, Any], receipts: Sequence[Receipt], table: pd.DataFrame) -> str:
    """Text of several lines about a data set.

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
    lines = [
        f"data set     {folder}",
        f"size         {_size(sum(receipt.bytes for receipt in receipts))} in {len(receipts)} shards",
        f"hosts        {card['hosts']}",
        f"imaging      {Imaging.of(card['imaging'])}",
        f"galaxies     {table['host_id'].nunique()}",
        *(f"{what:<13}{found}" for what, found in referred(table).items()),
        *_rows(receipts),
        f"theta_E      {_range(positives['theta_e_arcsec'])} arcsec",
        f"theta_E/PSF  {_quantiles(positives['theta_e_over_psf'])}",
        f"arc S/N      {_quantiles(positives['arc_snr_injected'])}",
        f"data digest  {card['data_digest']}",
        f"spec digest  {card['spec_digest']}",
        f"code         {card['code_version']}",
        f"written by   arcgate {card['arcgate']}, schema version {card['schema_version']}, on {card['device']}",
        f"libraries    {', '.join(f'{name} {version}' for name, version in card['libraries'].items())}",
    ]
    return "\n".join(lines)


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
