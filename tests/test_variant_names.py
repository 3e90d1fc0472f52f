"""Names of hand-made variants: short, and another one for every composition."""

from __future__ import annotations

from itertools import combinations

import pytest
from composing import composed
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from arcgate.variant_names import LONGEST, dotted_keys, naming, short_name, whole_name


@pytest.fixture(scope="module")
def keys():
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        return dotted_keys(OmegaConf.to_container(compose("config"), resolve=False))


@pytest.mark.parametrize(
    ("variant", "typed", "name"),
    [
        ("published", "controls=unpaired data.seed=1", "unpaired seed=1"),
        ("published", "data.seed=1 learning.seed=2", "seed=1 learning.seed=2"),
        ("published", "data.hosts.seed=1", "hosts.seed=1"),
        ("published", "core_mask=hard_r5", "core_mask=hard_r5"),
        ("published", "core_mask=none noise=none psf=moffat_naive", "core_mask=none noise=none moffat_naive"),
        ("published", "gates=quick data.n_pairs=90", "gates=quick n_pairs=90"),
        ("published", "gates=quick view=raw data.seed=1", "view=raw seed=1 gates=quick"),
        ("recommended", "view/input=stamp_rotation gates=quick", "recommended + stamp_rotation gates=quick"),
        ("recommended", "learning/sampling=everything gates=quick", "recommended + sampling=everything gates=quick"),
        ("published", "grid=realistic gates=quick", "realistic gates=quick"),
        ("published", "~evaluation/realistic gates=quick", "~evaluation/realistic gates=quick"),
        ("published", "gates=quick data.seed=2 learning=resnet18", "learning=resnet18 seed=2 gates=quick"),
        ("recommended", "view/input=stamp_rotation", "recommended + view/input=stamp_rotation"),
        ("published", "evaluation.common.n_pairs=30 +kernels=psfex", "psfex common.n_pairs=30"),
        ("published", "psf=mine data.seed=1", "psf=mine seed=1"),
        ("recommended", "data.seed=1", "recommended + seed=1"),
    ],
)
def test_keys_lose_what_is_not_needed(keys, variant, typed, name):
    assert short_name(variant, naming(typed.split()), keys) == name


def test_a_long_name_ends_in_a_digest_of_all_of_it(keys):
    words = ["data.hosts.n_hosts=400", "data.n_pairs=120", "evaluation.common.n_pairs=30", "learning.epochs=1"]
    names = {short_name("published", [*words, f"learning.lr={rate}"], keys) for rate in range(5)}
    assert len(names) == 5
    assert all(name.startswith("n_hosts=400 n_pairs=120 ... ") and len(name) <= LONGEST for name in names)
    name = short_name("recommended", ["gates=quick", "view/normalisation=annulus_robust"], keys)
    assert name.startswith("recommended + normalisation=annulus_r ... ")
    assert len(name) == LONGEST
    assert len(short_name("x" * 300, ["psf=measured"], keys)) == LONGEST


def test_compositions_that_differ_have_names_that_differ(keys):
    words = [
        *("controls=unpaired", "core_mask=hard_r5", "core_mask=none", "noise=none", "psf=moffat_naive", "view=raw", "gates=full"),
        *(f"{key}=3" for key in keys if key.endswith(("seed", "n_pairs", "n_hosts", "fpr", "epochs", "name"))),
    ]
    chosen = [list(some) for size in (1, 2) for some in combinations(words, size)]
    names = [short_name(variant, some, keys) for some in chosen for variant in ("published", "mask_r5")]
    assert len(set(names)) == len(names) > 300
    assert max(map(len, names)) <= LONGEST


def test_what_says_where_and_to_what_end_names_nothing():
    words = [
        "study=x",
        "runtime.workers=1",
        "data.hosts.path=here",
        "optimized_metric=common/auroc",
        "experiment=pilot",
        "dry_run=true",
    ]
    assert naming(words) == []
    assert whole_name("published", naming(["+data.seed=1"])) == "published data.seed=1"


def test_a_variant_that_was_named_is_its_whole_name():
    spec = composed("variant=mask_r5")
    assert (spec.variant, spec.made_by) == ("mask_r5", "mask_r5")
