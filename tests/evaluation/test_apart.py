"""A network does not meet at its test what it was trained with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from composing import composed
from measured_light import tables

from arcgate.dataset import Dataset
from arcgate.dataset.references import write_references
from arcgate.evaluation.apart import require_apart
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.pipeline import prepare

MakeSet = Callable[..., Dataset]
# Galaxies of the first twenty pairs are numbers 0 to 9.
OTHERS = 20


def test_sets_without_anything_in_common_are_apart(make_set: MakeSet) -> None:
    named = {"kernel_used_g": "a", "kernel_declared_g": "a", "source_image": "b"}
    own = make_set(split="train", **named)
    require_apart(own, make_set(first=OTHERS, kernel_used_g="c", kernel_declared_g="b", source_image="a"))
    # What is judged apart from training may be shared: the own test split.
    require_apart(make_set(split="test", pairs=8, **named), make_set(pairs=10, **named))


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    ("own", "common", "first", "what"),
    [
        ({}, {}, OTHERS - 2, "1 galaxies, such as galaxy 9"),
        ({"kernel_used_r": "a"}, {"kernel_declared_g": "a"}, OTHERS, "1 PSF kernels, such as a"),
        ({"source_image": "b"}, {"source_image": "b"}, OTHERS, "1 source images, such as b"),
    ],
)
def test_what_both_have_is_named(
    make_set: MakeSet, split: str, own: dict[str, str], common: dict[str, str], first: int, what: str
) -> None:
    with pytest.raises(ArcgateError, match=f"the training set and the common test set share {what}"):
        require_apart(make_set(split=split, **own), make_set(first=first, **common))


def test_a_common_test_set_that_cannot_be_made_is_told_as_such(tmp_path) -> None:
    sizes = ("data.n_pairs=12", "data.hosts.n_hosts=60", "evaluation.common.n_pairs=300", "runtime.workers=1")
    with pytest.raises(ArcgateError, match=r"the common test set, evaluation\.common: (?s:.*)pairs"):
        prepare(composed(*sizes, f"runtime.data_dir={tmp_path}"))


def test_a_model_at_another_place_and_a_galaxy_of_other_pixels_are_the_same(make_set: MakeSet) -> None:
    kernels, images = tables(DECALS, kernels=2, images=3)
    kernels["origin"], images["origin"] = ["a", "b", "c"] * 2, ["m", "n", "m"]
    own = make_set(split="train", kernel_used_g=kernels["name"][0], source_image=images["name"][0])
    for first, kernel, image, what in ((100, 3, 1, "1 PSF models, such as a"), (200, 1, 2, "1 source galaxies, such as m")):
        common = make_set(first=first, kernel_used_g=kernels["name"][kernel], source_image=images["name"][image])
        for dataset in (own, common):
            write_references(dataset.path, kernels, images)
        with pytest.raises(ArcgateError, match=f"share {what}"):
            require_apart(own, common)
    apart = make_set(first=300, kernel_used_g=kernels["name"][4], source_image=images["name"][1])
    write_references(apart.path, kernels, images)
    require_apart(own, apart)
