"""What the report's head says of a data set."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from composing import composed
from layouts import arrays_of, write_arrays

from arcgate.dataset.reader import Dataset
from arcgate.dataset.source import DatasetSource
from arcgate.foreign.opening import open_source
from arcgate.gate_report.about import HEAD, about


def test_the_head_names_what_made_the_set_when_for_whom_and_how_it_was_judged(built: Callable[..., Dataset]) -> None:
    dataset, spec = built(), composed("view=raw", "gates.margin=0.03")
    facts = about(DatasetSource(dataset), spec.view, spec.gates, "key", "study mine: one")
    assert [name for name in facts if name in HEAD] == list(HEAD)
    assert facts["data set"] == f"{dataset.path.name[:12]}*"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", facts["made"])
    assert facts["variant"] == "study mine: one"
    assert facts["controls"].startswith("paired (")
    assert facts["view"] == "raw, stretch asinh"
    assert facts["margin"] == "AUC within 0.5 ± 0.03, intervals of 90 %"
    counts = dataset.table(["role", "split"]).value_counts(["split", "role"])
    (test,) = (part for part in facts["rows"].split(": ")[1].split("; ") if part.startswith("test "))
    assert f"{counts['test', 'positive']} positive" in test
    assert f"{counts['test', 'null']} null" in test
    assert facts["data digest"] == dataset.data_digest


def test_what_is_not_known_of_others_sets_is_left_out(built: Callable[..., Dataset], tmp_path: Path) -> None:
    spec = composed()
    facts = about(open_source(write_arrays(arrays_of(built()), tmp_path / "set.npz")), spec.view, spec.gates, "key")
    assert [name for name in facts if name in HEAD] == ["data set", "rows", "galaxies", "view", "margin"]
    assert facts["data set"] == "set.npz"
    assert facts["rows"].endswith(" control")
