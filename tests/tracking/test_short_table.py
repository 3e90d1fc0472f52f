"""The table that a study ends with: 100 columns at most, values and marks, gates chosen by one rule and told by their role."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from shipped_gates import owner_of

from arcgate import report
from arcgate.gates.core.result import Evidence
from arcgate.tracking.columns import shown_gates
from arcgate.tracking.leading_gates import leading_gates
from arcgate.tracking.record import log_evidence, log_metrics
from arcgate.tracking.results import results
from arcgate.tracking.runs import finish, variant_run
from arcgate.tracking.short_table import WIDTH, short_table
from arcgate.tracking.store import Store

STATUSES = ("passed", "failed", "undetermined", "insensitive", "not_run", None)


def study(gates: dict[str, list[tuple[float, str | None]]], **columns: list[object]) -> pd.DataFrame:
    """A table of a study as `results` reads it."""
    n = len(next(iter(columns.values())))
    table: dict[str, list[object]] = {
        "variant": [f"v{number}" for number in range(n)],
        "run_status": ["finished"] * n,
        "safe": ["failed"] * n,
        "cause": ["mask_edge + normalisation"] * n,
        "gate_sections": [sections_of(gates)] * n,
    }
    for stem, cells in gates.items():
        table |= {stem: [value for value, _ in cells], f"{stem}/status": [status for _, status in cells]}
    return pd.DataFrame(table | columns)


def sections_of(stems: Iterable[str]) -> str:
    """Sections of the report as a run keeps them: of arcgate's own gates, and of no others."""
    names = {stem.split("/")[1] for stem in stems}
    return json.dumps({name: owner.words(name).section for name in names if (owner := owner_of(name)) is not None})


def pilot() -> pd.DataFrame:
    return study(
        {
            "gate/residual_core/raw/overall": [(0.62, "failed"), (0.70, "failed"), (0.50, "passed")],
            "gate/residual_border/raw/overall": [(0.52, "failed"), (0.50, "passed"), (0.50, "passed")],
            "gate/mask_edge/raw/overall": [(0.5, "passed"), (0.98, "failed"), (0.5, "passed")],
            "gate/normaliser_masked/network/overall": [(0.59, "failed"), (0.59, "failed"), (0.51, "undetermined")],
            "gate/null_equal/raw/overall": [(0.0, "passed"), (0.0, "passed"), (0.0, "passed")],
            "gate/split_integrity/table/overall": [(float("nan"), "not_run")] * 3,
            "gate/metadata_trees/table/overall": [(0.5, "undetermined"), (0.5, "passed"), (0.5, "passed")],
        },
        variant=["published", "mask_r5", "recommended"],
        safe=["failed", "failed", "passed"],
        cause=["gaussian_for_moffat + normalisation", "mask_edge", "physics"],
        **{
            "data.core_mask.name": ["none", "hard_r5", "none"],
            "data.seed": [0.0, 0.0, 7.0],
            "diagnostic/core_published/raw/overall": [0.986, 0.993, 0.985],
            "diagnostic/core_published/raw/overall/status": ["reported"] * 3,
            "test/auroc": [0.994, 1.0, 0.992],
            "common/auroc": [0.823, 0.695, float("nan")],
            "common/recall_at_fpr": [0.5, 0.4, 0.6],
        },
    )


def test_a_row_reads_factors_answers_four_gates_and_three_scores() -> None:
    text = "\n".join(short_table(pilot()))
    published, mask, recommended = (
        next(line for line in text.splitlines() if line.startswith(name)) for name in pilot()["variant"]
    )
    assert published.split()[-7:] == ["0.59", "x", "0.50", "?", "0.986", "0.994", "0.823"]
    assert "0.98 x" in mask
    assert " hard_r5 " in mask
    assert "seed 7" in recommended
    assert recommended.rstrip().endswith("-"), "a score that is not there"
    assert "otherwise: core_mask none, seed 0" in text
    assert "x failed" in text
    assert "? undetermined" in text
    assert "insensitive" not in text


def test_scores_that_few_studies_have_stand_beside_the_three() -> None:
    scores = {"common_leaked/auroc": [0.901, 0.902, 0.903], "realistic/auroc": [0.711, float("nan"), 0.713]}
    lines = short_table(pilot().assign(**scores))
    rows = [line.split() for line in lines if line.startswith(("publishe", "recommen"))]
    shown = [row[-5:] for row in rows]
    assert shown == [["0.986", "0.994", "0.823", "0.901", "0.711"], ["0.985", "0.992", "-", "0.903", "0.713"]]
    assert "differs by  safe?" in lines[0]
    assert "realistic test AUROC: AUROC on the shared test set" in " ".join(lines)
    assert max(map(len, lines)) <= WIDTH


def test_kinds_that_failed_come_first_in_the_reports_order_each_by_its_gate_that_failed_most() -> None:
    table = pilot()
    assert leading_gates(table, shown_gates(table)) == [
        "gate/residual_core/raw/overall",
        "gate/mask_edge/raw/overall",
        "gate/normaliser_masked/network/overall",
        "gate/metadata_trees/table/overall",
    ]
    assert leading_gates(table, shown_gates(table)[::-1]) == leading_gates(table, shown_gates(table))
    few = ["gate/residual_border/raw/overall", "gate/residual_core/raw/overall"]
    assert leading_gates(table, few) == few[::-1], "second gates of a kind fill what is left"


def test_a_diagnostic_that_could_not_run_in_one_variant_is_no_gate(
    store: Store, evidence: Evidence, make_gate, tmp_path: Path
) -> None:
    ran = make_gate("mean_light", role="diagnostic", status="reported")
    not_run = make_gate("mean_light", role="diagnostic", status="not_run", value=None, low=None, high=None)
    for name, diagnostic in (("paired", ran), ("unpaired", not_run)):
        run = variant_run(store, "controls", name, "k")
        log_evidence(store, run, Evidence("e", "failed", evidence.cause, (*evidence.results, diagnostic)))
        finish(store, run, "finished")
    table = results("controls", store.folder, full=True)
    assert list(table["diagnostic/mean_light/raw/overall/status"]) == ["reported", "not_run"]
    assert not any("mean_light" in stem for stem in shown_gates(table))
    assert "mean" not in "\n".join(short_table(table))
    assert any("ring" in stem for stem in shown_gates(table))


NAMES = st.text(st.sampled_from("abcdefgh_=., 0123456789"), min_size=1, max_size=120)
CAUSES = st.lists(st.sampled_from(["mask_edge", "normalisation", "psfsize_as_fwhm", "unknown_bug", "x" * 40]), max_size=6).map(
    " + ".join
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.integers(1, 24), st.integers(0, 7), st.sampled_from([60, 80, 100, 240]))
def test_no_line_is_wider_than_the_terminal_or_100_columns(data: st.DataObject, n: int, n_gates: int, width: int) -> None:
    cell = st.tuples(st.floats(0, 1) | st.just(float("nan")), st.sampled_from(STATUSES))
    stems = [f"gate/{name}/network/overall" for name in ("residual_annulus", "two_sample_border_power_ridge", "null", "x" * 60)]
    stems += ["gate/mask_edge/raw/theta_e_ge_2", "gate/normaliser_masked/network/overall", "gate/duplicates/table/overall"]
    gates = {stem: data.draw(st.lists(cell, min_size=n, max_size=n)) for stem in stems[:n_gates]}
    columns = {
        "variant": data.draw(st.lists(NAMES, min_size=n, max_size=n)),
        "cause": data.draw(st.lists(CAUSES | st.none(), min_size=n, max_size=n)),
        "data.core_mask.name": data.draw(st.lists(NAMES, min_size=n, max_size=n)),
        "learning.seed": [float(number) for number in range(n)],
        "test/auroc": [0.5] * n,
    }
    lines = short_table(study(gates, **columns), width)
    assert max(map(len, lines)) <= min(width, WIDTH)
    assert not any("\n" in line for line in lines)


def test_a_pipe_gets_100_columns_and_the_rest_is_said_to_be_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setattr(
        report, "Console", lambda **options: Console(**({"file": text, "color_system": None, "width": 300} | options))
    )
    report.show(pilot(), "pilot", "data")
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "full=true" in lines[-3]
    assert lines[-2:] == ["every column: data/studies/pilot/results.csv", "runs, curves, figures: arcgate ui study=pilot"]


def test_on_request_everything_is_printed(store: Store, evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    run = variant_run(store, "one", "paired", "k")
    log_evidence(store, run, evidence)
    log_metrics(store, run, {"test/auroc": 0.97, "test/auroc/low": 0.96, "test/auroc/high": 0.98})
    finish(store, run, "finished")
    text = io.StringIO()
    monkeypatch.setattr(report, "Console", lambda **options: Console(**({"file": text, "color_system": None} | options)))
    for full in (False, True):
        report.print_study("one", str(store.folder), "data", full=full)
    short, long = text.getvalue().split("study one: 1 variant\n")[1:]
    assert "[0.96, 0.98]" not in short
    assert "0.970 [0.960, 0.980]" in long
    assert "The arcs are 2.35 times as wide as declared." in long
    assert max(map(len, short.splitlines())) <= WIDTH
