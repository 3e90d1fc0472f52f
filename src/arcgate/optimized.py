"""The number that a job hands to a sweeper that looks for good settings, by the name that it has in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from arcgate.gate_report.verdict_lines import failed_gates
from arcgate.gates.core.result import Evidence
from arcgate.ground.errors import ArcgateError
from arcgate.tracking import names

_AT_A_RATE: Final = (*(("recall", end) for end in ("", "/low", "/high", "/k")), ("purity", ""))
SCORES: Final = (
    *("auroc", "auroc/low", "auroc/high", "recall_at_fpr", "recall_threshold_logit", "core_masked_auroc"),
    *("core_masked_auroc_drop", "core_masked_recall_drop", "core_masked_logit_change", "n_sources"),
    *("average_precision", "average_precision/low", "average_precision/high", "calibration_error", "carried_fpr"),
    *(f"{score}_fpr_1e-{power}{end}" for power in (1, 2, 3, 4) for score, end in _AT_A_RATE),
    *("recall_no_false_positive", "recall_ten_false_positives", "n_negatives"),
)
_ENDS: Final = ("", "/low", "/high")
_ASKED: Final = (
    *(f"half_found_snr{end}" for end in _ENDS),
    *(f"found_{role}{end}" for role in ("arc", "unlensed", "ring", "shuffled") for end in _ENDS),
    *(f"purity_mixture{end}" for end in _ENDS),
    *(f"{of}_{what}{end}" for of in ("occlusion", "occlusion_untrained") for what in ("correlation", "in_arc") for end in _ENDS),
)
"""What networks are asked about, of `arcgate.evaluation.asked`, on the test sets that have such rows."""
"""Metrics of `arcgate.evaluation.metrics`, on each of the grounds."""
GROUNDS: Final = ("test", "common", "realistic")
_WHERE: Final = "optimized_metric"


def require_metric(name: str | None, evidence: Evidence | None = None) -> None:
    """Refuse a metric that cannot be there, before hours are spent.

    Parameters
    ----------
    name : str or None
        As MLflow has it; None needs nothing.
    evidence : Evidence, optional
        Of the gates. Without it, whatever begins with `gate/` or `diagnostic/` is let through, since results are known when
        they are made.

    Raises
    ------
    ArcgateError
        An unknown name, with those that are known.
    """
    known = [f"{ground}/{score}" for ground in GROUNDS for score in SCORES] + [names.SAFE_NUMBER, names.GATES_FAILED]
    known += [f"{ground}/{asked}" for ground in GROUNDS[:2] for asked in _ASKED]
    results = _results(evidence) if evidence is not None else {}
    judged = name is not None and name.startswith(("gate/", "diagnostic/"))
    if name is None or name in known or name in results or (judged and evidence is None):
        return
    offered = list(results) if judged else [*known, "gate/<name>/<view>/<stratum>"]
    close = get_close_matches(name, offered, n=3)
    raise ArcgateError(
        f"no metric is called {name!r}" + (f"; close names: {', '.join(close)}" if close else ""),
        where=_WHERE,
        todo=f"name one of {', '.join(offered)}",
    )


def metric_value(name: str, scores: Mapping[str, float], evidence: Evidence) -> float:
    """The value of a metric.

    Parameters
    ----------
    name : str
        From `require_metric`.
    scores : mapping of str to float
        Of the network, `test/...`, `common/...` and `realistic/...`.
    evidence : Evidence
        Of the gates.

    Raises
    ------
    ArcgateError
        The metric has no value here: a test set is too small for it, or the gate was not run.
    """
    found = {**_results(evidence), **scores, names.SAFE_NUMBER: names.SAFE_NUMBERS[evidence.safe]}
    found[names.GATES_FAILED] = float(len(failed_gates(evidence)))
    if (value := found.get(name)) is None:
        raise ArcgateError(
            f"the metric {name} is not available: a test set is too small for it, or its gate was not run",
            where=_WHERE,
            todo=f"enlarge the test set, or name one of {', '.join(key for key, one in found.items() if one is not None)}",
        )
    return value


def _results(evidence: Evidence) -> dict[str, float | None]:
    return {f"{result.role}/{result.key}": result.value for result in evidence.results}
