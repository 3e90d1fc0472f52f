"""What is compared with what: overrides of a variant and the baseline of each."""

from __future__ import annotations

from typing import Final

BASELINE: Final = "baseline"
POLICIES: Final[dict[str, tuple[str, ...]]] = {
    BASELINE: (),
    "contrastive": ("learning/objective=contrastive",),
    "focal": ("learning/objective=focal",),
    "label_smoothing": ("learning/objective=label_smoothing",),
    "curriculum": ("learning/sampling=easy_to_hard",),
    "snr_dropped": ("learning/sampling=visible_arcs",),
    "snr_weighted": ("learning/sampling=faint_weighted",),
    "snr_floor_on_positives": ("learning/sampling=floor_on_positives",),
    "theta_e_floor": ("learning/sampling=theta_e_floor",),
    "theta_e_over_psf_floor": ("learning/sampling=resolved",),
    "core_dropout": ("learning/augmentation=core_dropout",),
    "shifts": ("learning/augmentation=shifts",),
    "one_negative": ("learning/sampling=one_negative",),
    "five_negatives": ("learning/sampling=five_negatives",),
}
"""By name. The last two show a fifth of the positives, with one and with five different negatives each."""
COMPARED: Final[dict[str, str]] = {
    name: "one_negative" if name == "five_negatives" else BASELINE for name in POLICIES if name not in (BASELINE, "one_negative")
}
"""A dozen, each with what it is held against."""
SEEDS: Final = range(6)
