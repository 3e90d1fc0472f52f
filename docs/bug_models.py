"""The table of bug models in docs/explanation/verdict.md, from the models themselves: `python docs/bug_models.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hydra import compose, initialize_config_module

from arcgate.config import from_config
from arcgate.gates.verdict.bug_model import UNKNOWN, BugModel
from arcgate.gates.verdict.identifiability import KINDS
from arcgate.gates.verdict.listed import bug_models

PAGE: Final = Path(__file__).parent / "explanation" / "verdict.md"
BEGIN, END = "<!-- bug models: written by docs/bug_models.py -->", "<!-- end of bug models -->"


def table(models: Sequence[BugModel]) -> str:
    """A row a model: name, what it is, where it can be named, what to do."""
    head = ("name", "bug", *KINDS, "what to do")
    lines = [head, ("---",) * len(head), *[_row(model) for model in models if model.name != UNKNOWN]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(model: BugModel) -> tuple[str, ...]:
    # Further rows of a model's are cases that the report tells apart.
    standings = next(iter(model.identifiability.values()), ("not tried",) * len(KINDS))
    return (f"`{model.name}`", model.title, *standings, model.advice)


def with_table(page: str, models: Sequence[BugModel]) -> str:
    """The page with this table between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(models)}\n{END}{after}"


def main() -> None:
    """Write the table of the models that the settings list."""
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        models = bug_models(from_config(compose("config")).gates.bug_models)
    PAGE.write_text(with_table(PAGE.read_text(), models))


if __name__ == "__main__":
    main()
