"""The choices that made a data set, in words."""

from __future__ import annotations

import pytest
from composing import composed

from arcgate.dataset.describing import aligned, made_of
from arcgate.ground.hashing import as_plain


@pytest.mark.parametrize(
    ("typed", "title", "phrase"),
    [
        ("controls=paired", "controls", "paired (the same galaxy without the arc)"),
        ("controls=unpaired", "controls", "unpaired (other galaxies, which carry no arc, matched on psfsize, depth)"),
        ("controls=unmatched", "controls", "unmatched (other galaxies, which carry no arc)"),
        (
            "controls=core_matched +data.controls.calipers.depth=0.2",
            "controls",
            "core_matched (other galaxies, which carry no arc, with cores as bright, matched on psfsize, depth, depth to 0.2)",
        ),
        (
            "controls=unpaired data.controls.pool=any_other_host data.controls.match_on=[]",
            "controls",
            "unpaired (other galaxies, which may carry arcs elsewhere)",
        ),
        ("psf=moffat_naive", "PSF", "moffat_naive (Moffat, psfsize taken as its FWHM)"),
        ("core_mask=none", "core mask", "none (arcs are added whole)"),
        ("core_mask=tanh_r5", "core mask", "tanh_r5 (no arc within 5 px of the galaxy's centre; tanh edge, 1.5 px wide)"),
        ("grid=realistic", "grid", "realistic (theta_E 0.5 to 2.5 arcsec, sources 2 to 5 mag fainter than the host)"),
        ("source=cosmos data.source.path=x", "sources", "images of galaxies"),
        ("noise=poisson", "noise", "poisson (that of the arcs' own photons)"),
    ],
)
def test_each_choice_in_a_phrase(typed, title, phrase):
    made = made_of(as_plain(composed(*typed.split()).data))
    assert list(made) == ["controls", "PSF", "core mask", "grid", "sources", "noise"]
    assert made[title] == phrase


def test_measured_kernels_need_no_more_words():
    overrides = ("hosts=pack", "data.hosts.path=x", "+kernels=psfex", "data.hosts.kernels.path=y")
    assert made_of(as_plain(composed(*overrides, "psf=measured").data))["PSF"] == "measured (measured kernels)"
    fitted = made_of(as_plain(composed(*overrides, "psf=moffat_fitted").data))["PSF"]
    assert fitted == "moffat_fitted (Moffat, fitted to the measured kernel)"


def test_what_a_card_does_not_state_is_left_out():
    assert made_of({"seed": 1}) == {}


def test_lines_are_aligned_and_no_longer_than_100_characters():
    lines = aligned({"hosts": "galaxies " * 40, "size": "1 GB"})
    assert {line[13] for line in lines} == {"g", "1"}
    assert max(map(len, lines)) <= 100
