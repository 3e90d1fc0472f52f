"""Evidence made by hand: every status, every kind of exhibit, long reasons and characters that HTML would swallow."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from shipped_gates import owner_of
from shipped_models import MODELS

from arcgate.gates.core.design_leaks import MASK_EDGE
from arcgate.gates.core.exhibit import Exhibit
from arcgate.gates.core.listing import gate_of
from arcgate.gates.core.result import Cause, Evidence, GateResult, RefitParameter, Role, Status
from arcgate.gates.core.words import PLANTED_LEAKS, CauseWords, Words

ABOUT = {
    "data set": "data/sets/3f9c21ab88d0 <unpaired & hard_5>",
    "audited": "20,000 of 250,000 pairs, 31,204 galaxies",
    "view": "annulus_robust",
    "intervals": "90 %",
    "data digest": "9a0c4f" * 10 + "beef",
    "gates": "margin 0.02, seed 0, " + ", ".join(f"leak_{index}=0.{index:02d}" for index in range(1, 9)),
    "arcgate": "0.1.0, code 51b2c0de",
    "libraries": "numpy 2.3.1, scipy 1.16.0, scikit-learn 1.7.0, lenstronomy 1.13.1",
}
LONG = (
    "the mask leaves an edge at its radius (mean at r < 5 px: g -0.21, r -1.4, z -0.9 sky sigma a pixel); the rings at 4.5 and "
    "5.5 px differ by more than any arc can, in every stratum of the Einstein radius, and most below 1 arcsec where the mask "
    "takes away most of the light"
)


def gate(
    name: str,
    view: str,
    status: Status,
    value: float | None,
    half: float | None,
    reason: str,
    *,
    margin: float | None = 0.02,
    leak: float | None = 0.05,
    stratum: str = "overall",
    role: Role = "gate",
    n: int = 40_000,
    unit: str = "sky sigma a pixel",
) -> GateResult:
    low, high = (None, None) if value is None or half is None else (value - half, value + half)
    null = 0.0 if margin == 0.0 or name == "reference" else 0.5
    return GateResult(
        name=name,
        view=view,
        stratum=stratum,
        role=role,
        value=value,
        low=low,
        high=high,
        null=null,
        margin=margin,
        detected_sensitivity=leak,
        required_sensitivity=0.1 if role == "gate" else None,
        sensitivity_unit=unit,
        n=n,
        n_groups=n * 3 // 4,
        status=status,
        reason=reason,
    )


DIAGNOSTICS = {
    "usable_information_core": "information",
    "core_published": "published",
    "annulus_pedestal": "published",
    "alignment_centroid": "published",
}
"""Gates of diagnostics that do not begin with the names of theirs."""
INSIDE = "the interval lies within 0.5 +- 0.02"
RESULTS = (
    gate("null", "raw", "passed", 0.503, 0.008, INSIDE),
    gate("null", "network", "undetermined", 0.512, 0.014, "the interval reaches beyond the margin: more galaxies are needed"),
    gate("deinjection", "raw", "passed", 0.0, 0.0, "all 20000 rows are equal by value", margin=0.0, leak=0.02),
    gate("residual_core", "raw", "failed", 0.561, 0.011, "the core holds light that the declared PSF and arc do not explain"),
    gate("residual_core", "network", "passed", 0.498, 0.009, INSIDE),
    gate("residual_annulus", "raw", "passed", 0.505, 0.009, INSIDE),
    gate("residual_border", "raw", "passed", 0.499, 0.007, INSIDE),
    gate("mask_edge", "raw", "failed", 0.953, 0.004, LONG),
    gate("normaliser_null", "network", "passed", 0.501, 0.006, INSIDE),
    gate(
        "normaliser_masked",
        "network",
        "insensitive",
        0.503,
        0.008,
        "no planted leak fired: passing would mean nothing",
        leak=None,
    ),
    gate("two_sample_core_pca_ridge", "raw", "passed", 0.497, 0.01, INSIDE),
    gate("two_sample_border_lsb_trees", "raw", "passed", 0.506, 0.01, INSIDE, leak=0.1, unit="of the stamps"),
    gate("two_sample_stamp_power_trees", "raw", "undetermined", 0.515, 0.012, "the interval reaches beyond the margin 0.02"),
    gate(
        "metadata_trees",
        "table",
        "failed",
        0.62,
        0.01,
        "psfsize_r and <nobs_z> tell the label",
        leak=0.02,
        unit="of a column's spread",
    ),
    gate("reference", "raw", "not_run", None, None, "the stored arcs are missing & so cannot be compared", leak=None, n=0),
    gate("split_integrity", "table", "passed", 0.0, 0.0, "no galaxy, cell or pair occurs in two splits", margin=0.0, leak=None),
    gate("duplicates", "raw", "not_run", None, None, "the data set has one split only", margin=0.0, leak=None, n=0),
    gate("brand_new_gate", "raw", "passed", 0.5, 0.01, INSIDE),
    gate(
        "residual_core_within_pair",
        "raw",
        "reported",
        0.731,
        None,
        "share of pairs that the rule puts in the right order",
        margin=None,
        leak=None,
        role="diagnostic",
    ),
    gate(
        "usable_information_core",
        "raw",
        "reported",
        0.84,
        0.02,
        "bits about the label, at most 1",
        margin=None,
        leak=None,
        role="diagnostic",
    ),
    gate(
        "core_published",
        "raw",
        "reported",
        0.9497,
        None,
        "as published: ungrouped folds, no interval",
        margin=None,
        leak=None,
        role="diagnostic",
    ),
    gate(
        "core_published",
        "raw",
        "reported",
        0.88,
        None,
        "as published",
        margin=None,
        leak=None,
        stratum="theta_e_lt_1",
        role="diagnostic",
        n=9_000,
    ),
    gate(
        "annulus_pedestal",
        "raw",
        "reported",
        -3.2e-05,
        1.1e-05,
        "intercept against arc flux, nmgy a pixel",
        margin=None,
        leak=None,
        role="diagnostic",
    ),
    gate("alignment_centroid", "raw", "not_run", None, None, "no recorded centres", margin=None, leak=None, role="diagnostic"),
)


def words(results: Iterable[GateResult]) -> dict[str, Words]:
    """What arcgate's own gates call their results; nothing is known of `brand_new_gate`."""
    found = {}
    for result in results:
        owner = gate_of(DIAGNOSTICS[result.name]) if result.name in DIAGNOSTICS else owner_of(result.name)
        if owner is not None:
            found[result.name] = owner.words(result.name)
    return found


def measured() -> tuple[RefitParameter, ...]:
    bands = ("g", "r", "z")
    rows = [
        RefitParameter("flux", band, 1.0 + 0.004 * i, 0.994 + 0.004 * i, 1.006 + 0.004 * i, 1.0, 0.02, "ratio")
        for i, band in enumerate(bands)
    ]
    rows += [RefitParameter("psf_width", band, 2.31 + 0.02 * i, 2.28, 2.4, 1.0, 0.03, "ratio") for i, band in enumerate(bands)]
    rows += [RefitParameter("shift_x", band, 0.01, -0.03, 0.07, 0.0, 0.05, "px") for band in bands]
    rows += [RefitParameter("pedestal", band, 0.004, -0.001, 0.009, 0.0, 0.02, "sky σ") for band in bands]
    rows.append(RefitParameter("rotation", "all", -0.001, -0.004, 0.002, 0.0, 0.01, "rad"))
    return tuple(rows)


def exhibits() -> tuple[Exhibit, ...]:
    radius = np.linspace(0.5, 31.5, 32)
    y, x = np.indices((64, 64)) - 31.5
    hole = np.exp(-(((x**2 + y**2) ** 0.5 - 5) ** 2)) - 0.4 * np.exp(-(x**2 + y**2) / 8)
    profile = {
        "x_label": "radius [pixel]",
        "y_label": "mean difference [sky σ]",
        "x_log": False,
        "y_log": False,
        "series": [
            {
                "label": band,
                "x": radius.tolist(),
                "y": [None, *(np.exp(-radius[1:] / (4 + i))).tolist()],
                "low": [None, *(np.exp(-radius[1:] / (4 + i)) - 0.05).tolist()],
                "high": [None, *(np.exp(-radius[1:] / (4 + i)) + 0.05).tolist()],
            }
            for i, band in enumerate(("g <band>", "r", "z"))
        ],
        "marks": [{"label": "mask radius", "x": 5.0}, {"label": "no difference", "y": 0.0}],
    }
    clouds = {
        "x_label": "total arc flux [nmgy]",
        "y_label": "annulus light [nmgy a pixel]",
        "x_log": True,
        "y_log": False,
        "series": [
            {"label": "pairs", "x": (10 ** np.linspace(-1, 2, 300)).tolist(), "y": np.sin(np.arange(300)).tolist()},
            {"label": "binned", "x": [0.3, 3, 30], "y": [0, 0.1, 0.3], "low": [-0.1, 0, 0.2], "high": [0.1, 0.2, 0.4]},
        ],
        "marks": [],
    }
    sizes = [0.02, 0.1, 0.5, 2.0]
    looks = [
        (name, view) for name in ("null", "residual_core", "residual_annulus", "residual_border") for view in ("raw", "network")
    ]
    curves = {
        "x_label": "size of the leak, sky sigma a pixel",
        "y_label": "AUC",
        "x_log": True,
        "y_log": False,
        "series": [
            {
                "label": f"{name}, {view}: pedestal at r < 5 px",
                "x": sizes,
                "y": [0.5 + 0.5 * size / (size + 0.2 * (i + 1)) for size in sizes],
                "low": [0.49 + 0.5 * size / (size + 0.2 * (i + 1)) for size in sizes],
                "high": [0.51 + 0.5 * size / (size + 0.2 * (i + 1)) for size in sizes],
            }
            for i, (name, view) in enumerate(looks)
        ],
        "marks": [{"label": "no leak", "y": 0.5}, {"label": "margin", "y": 0.52}],
    }
    upright = {
        "labels": ["< 0.75", "0.75-1", "1-1.5", "1.5-2", ">= 2"],
        "y_label": "share of arc flux at r < 5 px",
        "series": [
            {
                "label": "here",
                "values": [0.71, 0.62, 0.45, 0.23, 0.06],
                "low": [0.7, 0.6, 0.44, 0.22, 0.05],
                "high": [0.72, 0.63, 0.46, 0.24, 0.07],
            },
            {"label": "published", "values": [0.41, 0.3, 0.21, 0.15, 0.077]},
        ],
        "marks": [{"label": "half", "y": 0.5}],
    }
    lying = {
        "labels": [
            f"{region}, {summary}"
            for region in ("core", "annulus", "border")
            for summary in ("principal components", "power spectrum")
        ],
        "y_label": "usable information [bits]",
        "series": [{"label": "bits", "values": [0.8, 0.7, 0.5, 0.4, 0.05, 0.01]}],
        "marks": [{"label": "all of it", "y": 1.0}],
    }
    panels = [{"label": band, "values": (scale * hole).tolist()} for band, scale in (("g", 0.3), ("r", 1.0), ("z", 0.7))]
    maps = {"unit": "sky σ a pixel", "low": -1.0, "high": 1.0, "diverging": True, "panels": panels}
    published = {
        "columns": ["quantity", "published", "here", "verdict"],
        "rows": [
            ["core AUC, overall", 0.9497, "0.951 [0.949, 0.953]", "reproduced"],
            ["share of arc flux, θE < 0.75″", 0.41, "0.71 ± 0.01", "not reproduced: needs a FWHM near 2.2″"],
            ["phase-correlation shift [px]", "0.0 ± 0.0", None, "not run"],
        ],
    }
    table = {
        "columns": ["bug", "arc stored", "paired, no arc", "unpaired, no arc"],
        "rows": [["pedestal", "identifiable", "identifiable", "bounded"], ["flux_unit", "identifiable", "bounded", "impossible"]],
    }
    return (
        Exhibit(
            "mask_edge_profile",
            "Mean difference by radius",
            "The step at 5 px is the edge of the mask.",
            "lines",
            profile,
            "mask_edge",
        ),
        Exhibit(
            "residual_map",
            "What is left after the arc",
            "A sound set shows noise only; here a ring stands at 5 px.",
            "images",
            maps,
            "residual",
        ),
        Exhibit(
            "annulus_pedestal",
            "Annulus light against arc flux",
            "The intercept is the pedestal, the slope the wings.",
            "scatter",
            clouds,
            "published",
        ),
        Exhibit(
            "core_flux_share", "Share of arc flux in the core", "Published shares need a wider PSF.", "bars", upright, "published"
        ),
        Exhibit("usable_information", "Usable information", "Bits about the label.", "bars", lying, "information"),
        Exhibit("sensitivity_sky", "How the gates see leaks of growing size", "Detected above.", "lines", curves, PLANTED_LEAKS),
        Exhibit(
            "published_figures",
            "Published and measured",
            "Figures of earlier work <script>alert(1)</script>.",
            "table",
            published,
        ),
        Exhibit("identifiability", "Bugs by kind of data", "What is impossible is not run.", "table", table),
    )


def evidence() -> Evidence:
    sentence = (
        "The arc's light is cut off at 5 px, which leaves an edge that no lens has, and the injected arcs are 2.33 times as wide "
        "as the declared PSF makes them, which is the ratio of FWHM and sigma."
    )
    cause = Cause("mask_edge + sigma_for_fwhm", sentence, measured())
    (bug,) = [model for model in MODELS if model.name == "sigma_for_fwhm"]
    causes = {
        MASK_EDGE.name: CauseWords(MASK_EDGE.title, MASK_EDGE.advice),
        bug.name: CauseWords(bug.heading, bug.advice),
    }
    return Evidence("e1c0ffee" * 4, "failed", cause, RESULTS, exhibits(), words=words(RESULTS), causes=causes)
