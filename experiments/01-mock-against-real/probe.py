"""Can a simple rule tell a mock galaxy from a real one? See README.md for the question, the command and what came out."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from features import FEATURES, measure_survey
from numpy.typing import NDArray
from omegaconf import OmegaConf
from pydantic import TypeAdapter
from sheets import contact_sheet, histograms
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from arcgate.ground.engine import Local
from arcgate.ground.statistics import Interval, clustered_auc
from arcgate.hosts_node import MockHosts, PackHosts
from arcgate.imaging import DECALS
from arcgate.survey.hosts import Hosts, cut_out
from arcgate.survey.parents import open_parents

HERE = Path(__file__).parent
CONF = HERE.parents[1] / "conf" / "hosts"
MOCKS_PER_REAL = 10
REPEATS = 5
FOLDS = 10
SHOWN = 24


def main() -> None:
    """Measure both samples, print and write the table, draw the figures."""
    arguments = _arguments()
    real_hosts = TypeAdapter(PackHosts).validate_python(_yaml("pack") | {"path": str(arguments.pack)})
    real = _galaxies(real_hosts, arguments)
    real_table, _ = measure_survey(real)
    wanted = MOCKS_PER_REAL * len(real_table)
    mock_hosts = TypeAdapter(MockHosts).validate_python(_yaml("mock/decals_grz"))
    if arguments.seed is not None:
        mock_hosts = replace(mock_hosts, seed=arguments.seed)
    # Some galaxies cannot be measured, and matching needs a choice.
    mock_hosts = replace(mock_hosts, n_hosts=(4 if arguments.match_r else 1) * wanted + 40)
    mock = _galaxies(mock_hosts, arguments)
    mock_table, failed = measure_survey(mock)
    print(f"{len(real_table)} real galaxies; {len(failed)} of {mock_hosts.n_hosts} mock galaxies have no measurable centre")
    chosen = matched(mock_table, real_table, MOCKS_PER_REAL) if arguments.match_r else mock_table.iloc[:wanted]
    results = judge(chosen, real_table)
    show(results)
    if arguments.seed is None:
        name = "matched_r" if arguments.match_r else "as_drawn"
        write(HERE / f"results_{name}.csv", results, chosen, real_table)
        if not arguments.match_r:
            draw(chosen, real_table, mock, real)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=HERE.parents[2] / "shared" / "real" / "des_lrg_hosts", help="real galaxies")
    parser.add_argument("--data-dir", type=Path, default=HERE.parents[1] / "data", help="where the mock survey is kept")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, help="another draw of the mock survey, printed and not written")
    parser.add_argument("--match-r", action="store_true", help="choose mock galaxies of the real ones' measured r magnitudes")
    arguments = parser.parse_args()
    assert isinstance(arguments, argparse.Namespace)
    return arguments


def _galaxies(hosts: MockHosts | PackHosts, arguments: argparse.Namespace) -> Hosts:
    """All galaxies of a survey."""
    parents = open_parents(hosts, DECALS, data_dir=arguments.data_dir, workers=arguments.workers)
    return cut_out(parents, np.arange(len(parents.catalogue)), data_dir=arguments.data_dir, engine=Local(arguments.workers))


def _yaml(name: str) -> dict[str, object]:
    content = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"), throw_on_missing=False)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def matched(mock: pd.DataFrame, real: pd.DataFrame, per_real: int) -> pd.DataFrame:
    """For each real galaxy the mock galaxies nearest in measured r, each used once, in rounds of one a real galaxy."""
    left = mock["mag_r"].copy()
    rows = []
    for _ in range(per_real):
        for magnitude in real["mag_r"]:
            row = (left - magnitude).abs().idxmin()
            rows.append(row)
            left = left.drop(row)
    return mock.loc[rows]


def judge(mock: pd.DataFrame, real: pd.DataFrame) -> dict[str, Interval]:
    """AUC of each feature by itself and of two fitted rules, label 1 for real.

    Rules are fitted on folds of other galaxies; a galaxy's score is the mean over `REPEATS` divisions into `FOLDS` folds.
    """
    features = np.vstack([mock[list(FEATURES)], real[list(FEATURES)]])
    labels = np.repeat([0, 1], [len(mock), len(real)])
    groups = np.array([f"mock-{row}" for row in mock.index] + [f"real-{row}" for row in real.index])
    results = {name: clustered_auc(features[:, i], labels, groups) for i, name in enumerate(FEATURES)}
    rules = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")),
        "boosted trees": GradientBoostingClassifier(
            n_estimators=100, max_depth=2, learning_rate=0.05, subsample=0.7, random_state=0
        ),
    }
    for name, rule in rules.items():
        results[name] = clustered_auc(_out_of_fold(rule, features, labels, groups), labels, groups)
    return results


def _out_of_fold(
    rule: object, features: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.str_]
) -> NDArray[np.float64]:
    scores = np.zeros(len(labels))
    for repeat in range(REPEATS):
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=repeat)
        for fit, judged in folds.split(features, labels, groups):
            fitted = rule.fit(features[fit], labels[fit])  # type: ignore[attr-defined]  # scikit-learn has no type for this
            scores[judged] += fitted.predict_proba(features[judged])[:, 1] / REPEATS
    return scores


def show(results: dict[str, Interval]) -> None:
    """Print the table."""
    for name, auc in results.items():
        print(f"{name:20s} AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}, 90 %), n = {auc.n}")


def write(path: Path, results: dict[str, Interval], mock: pd.DataFrame, real: pd.DataFrame) -> None:
    """Write the table as CSV, with the spread of each feature."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["rule", "auc", "low", "high", "mock_p5", "mock_p50", "mock_p95", "real_p5", "real_p50", "real_p95"])
        for name, auc in results.items():
            spread = [np.percentile(t[name], [5, 50, 95]) for t in (mock, real)] if name in FEATURES else [[], []]
            table.writerow([name, *(f"{v:.3f}" for v in (auc.value, auc.low, auc.high, *spread[0], *spread[1]))])


def draw(mock: pd.DataFrame, real: pd.DataFrame, mock_survey: Hosts, real_survey: Hosts) -> None:
    """Two contact sheets on one scale, of galaxies of like magnitude, and the features' distributions."""
    shown = real.index[:SHOWN].to_numpy()
    like = matched(mock, real.loc[shown], 1).index.to_numpy()
    contact_sheet(real_survey.cutouts(shown), HERE / "sheet_real.png")
    contact_sheet(mock_survey.cutouts(like), HERE / "sheet_mock.png")
    histograms(mock, real, HERE / "features.png")


if __name__ == "__main__":
    main()
