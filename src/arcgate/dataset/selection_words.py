"""How the galaxies of a data set were chosen, in words and tables: for `arcgate inspect`, reports and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

Selection = Mapping[str, Any]

NEGLIGIBLE: Final = 0.1
"""A standardised mean difference that Austin (2009, Stat. Med. 28, 3083) calls negligible."""
BY_CHANCE: Final = 1e-3
"""Probability below which a difference of the classes in what was lost is a finding."""
_RULES: Final = {
    "least_theta_e_arcsec": "theta_E of at least {:g} arcsec",
    "least_theta_e_over_psf": "theta_E / psfsize of at least {:g}",
    "least_arc_snr": "arc S/N of at least {:g}, as predicted",
    "least_images": "at least {:g} images",
}


def selection_words(selection: Selection) -> dict[str, str]:
    """A phrase for each part of the choice that has something to tell.

    Parameters
    ----------
    selection : mapping
        From a card.
    """
    said = {
        "entry": entry_words(selection["entry"]),
        "refused": "; ".join(f"{count:,} with {rule}" for rule, count in selection["entry"]["refused"].items()),
        "unmatched": f"{selection['unmatched']:,} positives" if selection["unmatched"] else "",
        "balance": balance_words(selection["balance"]),
        "resolved": "; ".join(
            f"theta_E/PSF {row['theta_e_over_psf']}: {100 * row['after']:.0f} % ({100 * row['before']:.0f} % before the rules)"
            for row in selection["resolvability"]
        ),
        "lost": lost_words(selection),
        "cores": core_words(selection["core"]),
    }
    return {name: words for name, words in said.items() if words}


def entry_words(entry: Mapping[str, Any]) -> str:
    """The rules for what enters."""
    rules = [phrase.format(entry[name]) for name, phrase in _RULES.items() if entry.get(name)]
    ranges = [f"{column} {_range(*ends)}" for column, ends in entry.get("hosts", {}).items()]
    words = [f"hosts with {', '.join(ranges)}"] if ranges else []
    words += [f"arcs with {', '.join(rules)}"] if rules else []
    if rules and entry.get("drops") == "positive":
        words.append("what does not meet them leaves alone, and its control stays")
    return f"{entry['name']} ({'; '.join(words) or 'whatever the grid draws'})"


def balance_words(balance: Sequence[Mapping[str, Any]]) -> str:
    """The largest difference between the classes that is left."""
    known = [row for row in balance if row["after"] is not None]
    if not known:
        return ""
    worst = max(known, key=lambda row: abs(row["after"]))
    beyond = [row for row in known if abs(row["after"]) > NEGLIGIBLE]
    count = f"{len(beyond)} of {len(known)} quantities differ by more than {NEGLIGIBLE:g} standard deviations"
    ends = f"{worst['after']:+.3f} [{worst['after_low']:+.3f}, {worst['after_high']:+.3f}]"
    return f"{count}; most in {worst['column']}: {ends}"


def lost_words(selection: Selection) -> str:
    """What could not be used in each class, and whether the classes differ in it."""
    if not selection["left_out"]:
        return ""
    parts = [f"{reason}: {lost['host']:,} hosts, {lost['control']:,} controls" for reason, lost in selection["left_out"].items()]
    finding = " FINDING: more than chance explains" if selection["left_out_p"] < BY_CHANCE else ""
    asked = selection["cut_out"]
    of_all = f"of {asked['host']:,} and {asked['control']:,} cut out"
    return f"{'; '.join(parts)} ({of_all}; p = {selection['left_out_p']:.2g}){finding}"


def core_words(core: Mapping[str, Any] | None) -> str:
    """What matching cores took."""
    if core is None:
        return ""
    return (
        f"{core['core']} alike within {100 * core['caliper']:g} %; {core['cut out for a pair']:.1f} galaxies cut out for a pair, "
        f"{core['arcs rendered beforehand']:,} arcs rendered beforehand"
    )


def selection_tables(selection: Selection) -> dict[str, pd.DataFrame]:
    """Tables of the choice by name: cut flow, galaxies, balance, resolvability, what was lost; those that are not empty."""
    lost = [{"reason": reason, **counts} for reason, counts in selection["left_out"].items()]
    tables = {
        "cut_flow": pd.DataFrame(selection["cut_flow"]),
        "galaxies": pd.DataFrame({"galaxies": list(selection["galaxies"]), "count": list(selection["galaxies"].values())}),
        "balance": pd.DataFrame(selection["balance"]),
        "resolvability": pd.DataFrame(selection["resolvability"]),
        "left_out": pd.DataFrame(lost),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "known"
    if low is None or high is None:
        return f"up to {high:g}" if low is None else f"from {low:g}"
    return f"{low:g} to {high:g}"
