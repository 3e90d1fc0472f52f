"""What a card says about the choice of galaxies, and what the gates learn of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from arcgate.dataset.card import read_card, selection_on
from arcgate.dataset.reader import open_dataset
from arcgate.dataset.source import DatasetSource
from arcgate.ground.atomic import write_json


def test_a_card_without_a_choice_states_none_and_one_with_lost_galaxies_tells_the_gates(make_set: Callable[[], Path]) -> None:
    folder = make_set()
    card = read_card(folder)
    assert selection_on(card) is None
    assert DatasetSource(open_dataset(folder)).facts.left_out_p is None
    write_json(folder / "dataset.json", card | {"selection": {"left_out_p": 1e-5}})
    assert DatasetSource(open_dataset(folder)).facts.left_out_p == 1e-5
