"""Maps of where a network sees arcs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from apart import assert_words_apart

from arcgate.figures.occlusion import MAPS, occlusion_maps

TABLE = pd.DataFrame(
    {
        "pair_id": np.repeat(np.arange(7), 5),
        "x_pix": 20.0 + 3.0 * np.tile(np.arange(5), 7),
        "y_pix": 31.0,
        "arc_light": np.tile([0.1, 0.4, 0.3, 0.1, 0.1], 7),
        "drop": np.tile([-0.5, 2.0, 1.0, 0.0, 0.0], 7),
        "drop_untrained": 0.0,
    }
)


def test_maps_of_some_pairs_have_their_values_and_words_apart() -> None:
    figure = occlusion_maps(TABLE, 64)
    panels = np.array(figure.axes).reshape(3, MAPS)
    shown = [panel.collections[0].get_array() for panel in panels[:, 0]]
    np.testing.assert_allclose(shown[0], [0.25, 1.0, 0.75, 0.25, 0.25])
    np.testing.assert_allclose(shown[1], [-0.25, 1.0, 0.5, 0.0, 0.0])
    np.testing.assert_allclose(shown[2], 0.0)
    assert panels[0, 0].get_xlim() == (-0.5, 63.5)
    assert_words_apart(figure)


def test_fewer_pairs_make_fewer_maps() -> None:
    assert len(occlusion_maps(TABLE[TABLE["pair_id"] < 2], 64).axes) == 6
