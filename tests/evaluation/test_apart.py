"""A network does not meet at its test what it was trained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from composing import composed
from measured_light import tables

from arcgate.dataset import Dataset
from arcgate.dataset.references import write_references
from arcgate.evaluation.apart import overlap, require_apart
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import say_once
from arcgate.imaging import DECALS
from arcgate.injection.build import Built
from arcgate.pipeline import prepare

MakeSet = Callable[..., Dataset]
# Galaxies of the first twenty pairs are numbers 0 to 9.
OTHERS = 20


def test_sets_without_anything_in_common_are_apart(make_set: MakeSet) -> None:
    named = {"kernel_used_g": "a", "kernel_declared_g": "a", "source_image": "b"}
    own = make_set(split="train", **named)
    found = require_apart(own, make_set(first=OTHERS, kernel_used_g="c", kernel_declared_g="b", source_image="a"), "common")
    assert (found.shared, found.pairs, found.n_pairs) == ({}, frozenset(), 20)
    # What is judged apart from training may be shared: the own test split.
    require_apart(make_set(split="test", pairs=8, **named), make_set(pairs=10, **named), "common")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize(
    ("own", "ground", "first", "what", "pairs"),
    [
        ({}, {}, OTHERS - 2, r"galaxies \(1, such as galaxy 9\)", {18, 19}),
        # Whatever its name: a galaxy 20 arcsec from the last of those that are learnt.
        ({}, {"ra": 9.0 + 20.0 / 3600.0}, OTHERS, r"places on the sky, within 25 arcsec \(10, such as galaxy 10 at 9\.0", None),
        # The control of the second pair there, the null row of the third here.
        ({"same": (4,)}, {"same": (8,)}, OTHERS, r"stamps of the same pixels \(1, such as [0-9a-f]{64}\)", {22}),
        ({"kernel_used_r": "a"}, {"kernel_declared_g": "a"}, OTHERS, r"PSF kernels \(1, such as a\)", None),
        ({"source_image": "b"}, {"source_image": "b"}, OTHERS, r"source images \(1, such as b\)", None),
    ],
)
def test_what_both_have_is_named(
    make_set: MakeSet, split: str, own: dict[str, Any], ground: dict[str, Any], first: int, what: str, pairs: set[int] | None
) -> None:
    """By identity, position, pixels, kernel and source; `pairs` are those in question, None all."""
    sets = make_set(split=split, **own), make_set(first=first, **ground)
    with pytest.raises(ArcgateError, match=rf"the training set and the realistic test set share {what}(?s:.*)force=true"):
        require_apart(*sets, "realistic")
    found = require_apart(*sets, "realistic", force=True)
    assert found.pairs == (set(range(first, first + 20)) if pairs is None else pairs)


def test_neighbours_count_where_both_sets_lie_on_the_sky_and_their_stamps_overlap(make_set: MakeSet) -> None:
    own = make_set(split="train")
    require_apart(own, make_set(first=OTHERS, ra=9.0 + 26.0 / 3600.0), "common")
    near = make_set(first=2 * OTHERS, ra=9.0)
    assert overlap(own, near).shared
    # Places and pixels of the mock survey are drawn, each for itself.
    drawn = replace(near, card={**near.card, "data": {"hosts": {"kind": "mock"}}})
    assert not overlap(own, drawn).shared


def test_a_common_test_set_that_cannot_be_made_is_told_as_such(tmp_path) -> None:
    sizes = ("data.n_pairs=12", "data.hosts.n_hosts=60", "evaluation.common.n_pairs=300", "runtime.workers=1")
    with pytest.raises(ArcgateError, match=r"the common test set, evaluation\.common: (?s:.*)pairs"):
        prepare(composed(*sizes, f"runtime.data_dir={tmp_path}"))


def test_a_forced_run_says_what_is_shared_and_what_is_not_available(
    make_set: MakeSet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = composed("evaluation.force=true")
    own, common = make_set(split="train"), make_set(12, first=18)
    monkeypatch.setattr(
        "arcgate.pipeline.build_dataset", lambda data, _: Built((common if data.only_split else own).path, "reused")
    )
    say_once.cache_clear()
    prepared = prepare(spec)
    assert (list(prepared.shared), list(prepared.absent)) == (["common"], ["realistic"])
    said = capsys.readouterr().out
    assert "2 of 12 pairs of it share with the training set galaxies (1, such as galaxy 9)" in said
    assert said.count("realistic test set not available: its source images are not given") == 1
    prepare(spec)
    assert "not available" not in capsys.readouterr().out


def test_a_model_at_another_place_and_a_galaxy_of_other_pixels_are_the_same(make_set: MakeSet) -> None:
    kernels, images = tables(DECALS, kernels=2, images=3)
    kernels["origin"], images["origin"] = ["a", "b", "c"] * 2, ["m", "n", "m"]
    own = make_set(split="train", kernel_used_g=kernels["name"][0], source_image=images["name"][0])
    for first, kernel, image, what in (
        (100, 3, 1, r"PSF models \(1, such as a\)"),
        (200, 1, 2, r"source galaxies \(1, such as m\)"),
    ):
        common = make_set(first=first, kernel_used_g=kernels["name"][kernel], source_image=images["name"][image])
        for dataset in (own, common):
            write_references(dataset.path, kernels, images)
        with pytest.raises(ArcgateError, match=f"share {what}"):
            require_apart(own, common, "common")
    apart = make_set(first=300, kernel_used_g=kernels["name"][4], source_image=images["name"][1])
    write_references(apart.path, kernels, images)
    require_apart(own, apart, "common")
