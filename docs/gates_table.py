"""The table of gates in docs/explanation/gates.md, from the gates themselves: `python docs/gates_table.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hydra import compose, initialize_config_module

from arcgate.config import from_config
from arcgate.gates.core.gate import Gate
from arcgate.gates.core.listing import gates_of
from arcgate.gates.features.regions import Regions
from arcgate.imaging import DECALS
from arcgate.variant import Gates

PAGE: Final = Path(__file__).parent / "explanation" / "gates.md"
BEGIN, END = "<!-- gates: written by docs/gates_table.py -->", "<!-- end of gates -->"


def table(gates: Sequence[Gate], settings: Gates) -> str:
    """A row a gate that decides: what it asks, compares, plants, and what its failure means and names."""
    head = ("gate", "asks", "compares", "must detect", "a failure means", "names")
    rows = [_row(gate, settings) for gate in gates if gate.words(gate.name).failing]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ("---",) * len(head), *rows])


def _row(gate: Gate, settings: Gates) -> tuple[str, ...]:
    words, cause = gate.words(gate.name), gate.cause
    planted = gate.planted_words(settings, Regions(DECALS))
    return (f"`{gate.name}`", words.asks, gate.compared_words(), planted, words.failing, f"`{cause.name}`" if cause else "")


def with_table(page: str, gates: Sequence[Gate], settings: Gates) -> str:
    """The page with this table between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(gates, settings)}\n{END}{after}"


def main() -> None:
    """Write the table of the gates that the settings list, attacks included."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        settings = from_config(compose("config", overrides=["gates=full"])).gates
    PAGE.write_text(with_table(PAGE.read_text(), gates_of(settings.gate_modules), settings))


if __name__ == "__main__":
    main()
