"""Configurations become frozen dataclasses, wrong ones become messages, and keys change with what they stand for."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from astropy.io import fits
from composing import composed

from arcgate.ground.errors import ArcgateError
from arcgate.injection.spec_digest import spec_digest
from arcgate.keys import evidence_key, scoring_key, training_key


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("data.core_mask.radius_pix=40 core_mask=hard_r5", "larger than the stamp"),
        ("data.core_mask.radius_pix=3", "kind 'none' goes with radius_pix 0"),
        ("data.controls.name=twin", "'paired', 'unpaired', 'unmatched' or 'core_matched'"),
        ("controls=unmatched data.controls.match_on=[depth_r]", "'unmatched' controls are matched on nothing"),
        ("controls=unpaired data.controls.name=core_matched", "go with 'core_matched' controls"),
        ("controls=core_matched data.controls.pool=any_other_host", "come from the pool 'free_hosts'"),
        ("controls=core_matched data.controls.core.caliper=0", "greater than 0"),
        ("controls=unpaired +data.controls.calipers.ebv=0.1", "calipers on ebv, which match_on does not name"),
        ("entry=floor_on_positives", "paired ones cannot be without: take unpaired or unmatched controls"),
        ("+data.entry.hosts.depth_r=[25,24]", "the range of depth_r begins at 25 and ends at 24"),
        ("data.entry.least_arc_snr=-1", "greater than or equal to 0"),
        ("data.psf.width_convention=hopeful", "'noise_equivalent_area', 'psfsize_as_fwhm', 'fitted' or 'measured'"),
        ("data.n_pairs=0", "greater than 0"),
        ("gates.margin=0.7", "less than or equal to 0.2"),
        ("+data.colour=blue", "Unexpected keyword argument"),
        ("data.n_pairs=???", "data.n_pairs is not given"),
        ("runtime.data_dir=${nowhere}", "does not resolve"),
        ("hosts=legacy", "data.hosts.parents is not given: the catalogue of galaxies, which `arcgate parents root="),
        ("hosts=legacy", "to do: add data.hosts.parents=data/parents/<digest> data.hosts.survey=dr10"),
        ("hosts=pack", "add data.hosts.path=my_galaxies"),
        ("view.annulus=1.1", "less than 1"),
        ("data.grid.lens_q=[0.5]", "Field required"),
        ("imaging.zero_point=27", "a zero point of 27 is that of files that are read"),
        ("hosts=pack data.hosts.path=x imaging=des_griz", "add +data.hosts.psfsize_arcsec.i=..."),
        ("hosts=pack data.hosts.path=x imaging=des_griz +kernels=psfex data.hosts.kernels.path=x", "add +data.hosts.gain.i=..."),
    ],
)
def test_a_wrong_value_is_named_with_the_valid_choices(override, says):
    with pytest.raises(ArcgateError) as caught:
        composed(*override.split())
    assert says in str(caught.value)
    assert "to do:" in str(caught.value)


def test_all_problems_are_listed_at_once():
    with pytest.raises(ArcgateError) as caught:
        composed("data.n_pairs=0", "data.controls.name=twin")
    assert "data.n_pairs" in str(caught.value)
    assert "data.controls.name" in str(caught.value)


def test_a_variant_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        composed().data.seed = 3


def test_spec_digest_follows_data_and_hosts_only():
    digest = {name: spec_digest(composed(*overrides).data) for name, overrides in _CHANGES.items()}
    same = {name for name, value in digest.items() if value == digest["nothing"]}
    assert same == {"nothing", "view", "learning", "gates", "evaluation", "runtime", "study"}
    assert spec_digest(composed("data.hosts.seed=7").data) != digest["nothing"]


def test_folders_are_in_no_key_but_what_lies_in_them(tmp_path):
    (tmp_path / "a").mkdir()
    for value, band in enumerate("grz"):
        fits.PrimaryHDU(np.full((2, 64, 64), float(value))).writeto(tmp_path / "a" / f"{band}.fits")
    copied = shutil.copytree(tmp_path / "a", tmp_path / "b")
    one, two = (composed("hosts=pack", f"data.hosts.path={tmp_path / name}").data for name in "ab")
    before = spec_digest(one)
    assert spec_digest(two) == before
    (copied / "g.fits").write_bytes((copied / "r.fits").read_bytes())
    assert spec_digest(two) != before


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        (lambda spec: evidence_key("d", spec), {"view", "gates"}),
        (lambda spec: training_key("d", spec), {"view", "learning"}),
        (lambda spec: scoring_key("t", {"common": "c"}, {}, spec), {"evaluation"}),
    ],
)
def test_each_key_changes_with_what_it_stands_for(key, changes):
    keys = {name: key(composed(*overrides)) for name, overrides in _CHANGES.items()}
    assert {name for name, value in keys.items() if value != keys["nothing"]} == changes


_CHANGES = {
    "nothing": (),
    "data": ("data.seed=5",),
    "controls": ("controls=unpaired",),
    "psf": ("psf=moffat_naive",),
    "core_mask": ("core_mask=tanh_r5",),
    "grid": ("grid=realistic",),
    "hosts": ("data.hosts.seed=9",),
    "view": ("view=raw",),
    "gates": ("gates.margin=0.02",),
    "learning": ("learning=resnet18",),
    "evaluation": ("evaluation.fpr=0.2",),
    "runtime": ("runtime.workers=7", "runtime.data_dir=elsewhere"),
    "study": ("study=other",),
}
