"""Flips and quarter turns by key."""

from __future__ import annotations

import numpy as np
import torch

from arcgate.learning.augmentation import N_SYMMETRIES, augment

IDS = np.arange(200, dtype=np.int64)
IMAGES = torch.arange(200 * 3 * 4 * 4, dtype=torch.float32).reshape(200, 3, 4, 4)


def test_the_same_key_gives_the_same_images_whatever_else_is_in_the_batch() -> None:
    whole = augment(IMAGES, IDS, seed=5, epoch=2)
    chosen = np.array([150, 3, 77])
    torch.manual_seed(99)
    torch.testing.assert_close(augment(IMAGES[chosen], IDS[chosen], seed=5, epoch=2), whole[chosen], rtol=0, atol=0)


def test_epoch_seed_and_identity_each_change_the_draw() -> None:
    whole = augment(IMAGES, IDS, seed=5, epoch=2)
    assert not torch.equal(augment(IMAGES, IDS, seed=5, epoch=3), whole)
    assert not torch.equal(augment(IMAGES, IDS, seed=6, epoch=2), whole)
    assert not torch.equal(augment(IMAGES, IDS + 1, seed=5, epoch=2), whole)


def test_each_image_is_one_of_the_eight_symmetries_of_itself() -> None:
    kinds = set()
    for before, after in zip(IMAGES, augment(IMAGES, IDS, seed=0, epoch=0), strict=True):
        turns = [torch.rot90(before, k, (1, 2)) for k in range(4)]
        symmetries = turns + [torch.flip(turned, (2,)) for turned in turns]
        matches = [k for k, image in enumerate(symmetries) if torch.equal(image, after)]
        assert len(matches) == 1
        kinds.update(matches)
    assert kinds == set(range(N_SYMMETRIES))


def test_input_and_global_generator_are_left_alone() -> None:
    before, state = IMAGES.clone(), torch.get_rng_state()
    augment(IMAGES, IDS, seed=0, epoch=0)
    assert torch.equal(IMAGES, before)
    assert torch.equal(torch.get_rng_state(), state)
