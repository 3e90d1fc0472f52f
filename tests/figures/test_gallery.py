"""Every grid has its contact sheet in the gallery."""

from __future__ import annotations

import re
from pathlib import Path

from matplotlib.image import imread

ROOT = Path(__file__).resolve().parents[2]


def test_every_grid_has_its_contact_sheet() -> None:
    grids = {path.stem for path in (ROOT / "conf" / "grid").glob("*.yaml")}
    text = (ROOT / "docs" / "explanation" / "gallery.md").read_text(encoding="utf-8")
    assert grids
    assert set(re.findall(r"\(\.\./figures/grid_(\w+)\.png\)", text)) == grids
    for grid in grids:
        assert f"`grid={grid}`" in text
        assert imread(ROOT / "docs" / "figures" / f"grid_{grid}.png").std() > 0.05
