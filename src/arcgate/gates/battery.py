"""All gates over a data set, in one pass over its shards."""

from __future__ import annotations

import sys

from rich.progress import track
from threadpoolctl import threadpool_limits

from arcgate.dataset.reader import Dataset
from arcgate.errors import ArcgateError
from arcgate.gates.arms import arms_of
from arcgate.gates.auc_gates import Collected, gates_for, judge
from arcgate.gates.diagnostics import CoreDiagnostics
from arcgate.gates.identity import Identities
from arcgate.gates.result import GateResult
from arcgate.gates.split_integrity import judge_splits
from arcgate.variant import Gates, View
from arcgate.views.view import Viewer


def run_battery(dataset: Dataset, view: View, settings: Gates) -> list[GateResult]:
    """Judge a data set as a network with this view would get it.

    Parameters
    ----------
    dataset : Dataset
        With positives, controls and null rows.
    view : View
        What the network sees.
    settings : Gates
        Margin, level, sizes of the canaries.

    Returns
    -------
    list of GateResult
        Gates first, diagnostics after them.

    Raises
    ------
    ArcgateError
        The data set lacks a role that the gates compare.
    """
    table = dataset.table(["role", "control_kind", "host_id", "healpix", "pair_id", "split"])
    missing = {"positive", "control", "null"} - set(table["role"])
    if missing:
        raise ArcgateError(
            f"the data set has no {', '.join(sorted(missing))} rows", where=dataset.path, todo="build it with data.null_rows >= 1"
        )
    paired = bool((table.loc[table["role"] == "control", "control_kind"] == "paired").all())
    viewer = Viewer(view)
    collected = Collected(gates_for(view.normalisation, paired), viewer, settings)
    identities = Identities(paired, viewer, settings)
    diagnostics = CoreDiagnostics(settings, paired)
    shards = len(dataset.shards())
    # The matrices are small: on several threads their linear algebra is slower, many times so on a busy machine.
    with threadpool_limits(1):
        arms = arms_of(dataset, settings.max_pairs, settings.seed)
        for part in track(arms, "judging shards", total=shards, transient=True, disable=not sys.stderr.isatty()):
            for collector in (collected, identities, diagnostics):
                collector.add(part)
        results = identities.judge()
        for gate in collected.gates:
            results += judge(gate, collected, paired)
        results.append(judge_splits(table))
        results += diagnostics.judge()
    return sorted(results, key=lambda result: result.role != "gate")
