"""The training set and the common set of the study, and where its files lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_module
from normalised import Form
from numpy.typing import NDArray

from arcgate.config import from_config
from arcgate.variant import Variant

RESULTS = Path(__file__).parent / "results.csv"
# The pilot's recommended variant. The common set is the pilot's, larger, and of galaxies of another mock survey.
TRAINING = ("variant=recommended", "learning=pilot")
COMMON = ("variant=recommended", "grid=realistic", "controls=unpaired", "data.null_rows=1", "data.seed=1001")
COMMON += ("data.n_pairs=1500", "data.hosts.seed=2", "data.hosts.n_hosts=3300")
FPR = 0.1
LABEL = "label.npy"


def specs(data_dir: str) -> tuple[Variant, Variant]:
    """Of the training set and of the common set."""
    places = [f"runtime.data_dir={data_dir}", "runtime.workers=1"]
    with initialize_config_module(config_module="arcgate.conf", version_base="1.3"):
        first, second = (from_config(compose("config", overrides=[*one, *places])) for one in (TRAINING, COMMON))
    return first, second


def place_of(data_dir: str, form: Form, seed: int) -> Path:
    """Folder of a training."""
    return Path(data_dir) / "experiments" / "15" / f"{form}_{seed}"


def label_of(data_dir: str) -> NDArray[np.int64]:
    """Labels of the common set, in the order of the logits."""
    label: NDArray[np.int64] = np.load(place_of(data_dir, "arc", 0).parent / LABEL)
    return label
