"""Cut the README's contact sheet from that of the pilot's recommended variant: `python docs/readme_figures.py contact_sheet.png`.

The two pages beside it are screenshots of `arcgate ui study=pilot` and of the report of `mask_r5`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

# Heights in the sheet, in pixels: which band has which colour, names of the panels, and the rows of theta_E 1.5 to 2 arcsec.
BANDS = ((36, 66), (99, 120), (828, 1316))
TARGET = Path(__file__).parent / "figures" / "contact_sheet.png"
WIDTH = 1000


def main(sheet: str) -> None:
    """Cut and join."""
    with Image.open(sheet) as opened:
        image = opened.convert("RGB")
    parts = [image.crop((0, top, image.width, bottom)) for top, bottom in BANDS]
    joined = Image.new("RGB", (image.width, sum(part.height for part in parts)), "white")
    height = 0
    for part in parts:
        joined.paste(part, (0, height))
        height += part.height
    joined.resize((WIDTH, joined.height * WIDTH // joined.width), Image.Resampling.LANCZOS).save(TARGET, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
