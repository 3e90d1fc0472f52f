"""Every configuration composes and is valid, in every group."""

from __future__ import annotations

from pathlib import Path

import arcgate.conf
import pytest
from composing import composed
from hydra import compose, initialize_config_module

from arcgate.ground.errors import ArcgateError

CONF = Path(next(iter(arcgate.conf.__path__)))
# Sweeps of variants, and groups of other verbs than `run`, have tests of their own.
APART = ("experiment", "parents", "__pycache__")
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in APART)


PACK = ("hosts=pack", "data.hosts.path=folder")
KERNELS = (*PACK, "+kernels=psfex", "data.hosts.kernels.path=models")
# Choices that need others, or a folder.
NEEDING = {
    "hosts=pack": PACK,
    "kernels=psfex": KERNELS,
    "kernels=coadd": (*PACK, "+kernels=coadd", "data.hosts.kernels.path=models"),
    "psf=measured": (*KERNELS, "psf=measured"),
    "psf=moffat_fitted": (*KERNELS, "psf=moffat_fitted"),
    "entry=floor_on_positives": ("entry=floor_on_positives", "controls=unpaired"),
    "hosts=legacy": ("hosts=legacy", "data.hosts.parents=parents", "data.hosts.survey=survey"),
    "hosts=mmu": ("hosts=mmu", "data.hosts.path=rows"),
    "hosts=cutouts": ("hosts=cutouts", "data.hosts.path=folder"),
    "source=cosmos": ("source=cosmos", "data.source.path=stamps"),
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_of_a_group_composes(group):
    choices = sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    assert choices
    for choice in choices:
        composed(*NEEDING.get(f"{group}={choice}", (f"{group}={choice}",)))


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (CONF / "experiment").glob("*.yaml")))
def test_every_variant_of_an_experiment_composes_and_differs_as_it_says(experiment):
    place = ["data.hosts.path=folder"] if "pack" in experiment else []
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        config = compose("config", overrides=[f"experiment={experiment}", *place], return_hydra_config=True)
    assert config.hydra.mode.name == "MULTIRUN"
    names = config.hydra.sweeper.params.variant.split(",")
    assert len(names) == len(set(names)) >= 7
    specs = {name: composed(f"experiment={experiment}", f"variant={name}", *place) for name in names}
    published = specs["published"]
    for name, spec in specs.items():
        assert spec.variant == name
        assert spec.study == experiment
        assert spec.evaluation == published.evaluation
        assert spec.learning == published.learning
        assert (spec.data, spec.view) != (published.data, published.view) or name == "published"
        # One factor at a time, but for the combination.
        differing = sum(
            getattr(spec.data, part) != getattr(published.data, part)
            for part in ("controls", "psf", "core_mask", "grid", "hosts", "source")
        ) + (spec.view != published.view)
        assert differing == {"published": 0, "recommended": 2}.get(name, 1)


def test_the_common_test_set_is_built_by_no_variant():
    for variant in ("published", "unpaired", "recommended"):
        spec = composed("experiment=pilot", f"variant={variant}")
        common = spec.evaluation.common
        assert common.only_split == "test"
        assert common.controls.name == "unpaired"
        assert (common.psf.profile, common.psf.width_convention, common.psf.beta) == ("moffat", "noise_equivalent_area", None)
        assert common.core_mask.kind == "none"
        assert common.grid.name == "realistic"
        assert common.seed != spec.data.seed
        assert common.hosts == spec.data.hosts


def test_measured_psfs_need_hosts_that_declare_them():
    for psf in ("measured", "moffat_fitted"):
        for hosts in ((), PACK):
            with pytest.raises(
                ArcgateError, match=rf"{psf} needs measured PSFs, and the hosts declare none: add \+kernels=psfex"
            ):
                composed(f"psf={psf}", *hosts)
    assert composed(*KERNELS, "psf=measured").evaluation.common.psf.width_convention == "measured"
    assert composed(*KERNELS, "psf=moffat_fitted").evaluation.common.psf.width_convention == "measured"
    with pytest.raises(ArcgateError, match="profile 'kernel' goes with width_convention 'measured'"):
        composed(*KERNELS, "psf=measured", "data.psf.width_convention=psfsize_as_fwhm")
    with pytest.raises(ArcgateError, match="both are fitted"):
        composed(*KERNELS, "psf=moffat_fitted", "data.psf.beta=3.0")
