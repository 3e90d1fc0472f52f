"""The configuration as frozen dataclasses: a data variant, its view, gates, training and scoring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from arcgate.data_node import HALF_STAMP, STRICT, Data, PerBand, Positive, PositiveInt

Fraction = Annotated[float, Field(gt=0, lt=1)]


@dataclass(config=STRICT, frozen=True)
class View:
    """From a stamp to what the network sees.

    Attributes
    ----------
    normalisation : {'raw', 'stamp_robust', 'annulus_robust'}
        Per stamp and band subtract the median and divide by the scaled median absolute deviation of the whole stamp,
        or of the pixels at r >= annulus_pix; `raw` divides by the constants `raw_scale_nmgy`.
    annulus_pix : float
        Inner radius of the annulus, pixels.
    stretch : {'none', 'asinh'}
        Applied after normalisation.
    raw_scale_nmgy : PerBand
        Constants of `raw`, nanomaggies per pixel.
    """

    normalisation: Literal["raw", "stamp_robust", "annulus_robust"]
    annulus_pix: Annotated[float, Field(gt=0, lt=HALF_STAMP)]
    stretch: Literal["none", "asinh"]
    raw_scale_nmgy: PerBand


@dataclass(config=STRICT, frozen=True)
class Gates:
    """Settings of the gates.

    Attributes
    ----------
    margin : float
        Equivalence margin in AUC, declared beforehand.
    level : float
        Coverage of the intervals.
    canary_sizes_sky_sigma : tuple of float
        Sizes of the planted leak, tried in this order, in units of the sky's standard deviation per pixel.
    min_hosts : int
        Fewer galaxies than this in either half leave a gate undetermined.
    max_pairs : int
        At most this many pairs are judged, chosen by hash; split integrity is judged on all rows.
    seed : int
        Seed of the split of galaxies into the half that fits and the half that judges.
    """

    margin: Annotated[float, Field(gt=0, lt=0.5)]
    level: Fraction
    canary_sizes_sky_sigma: Annotated[tuple[Positive, ...], Field(min_length=1)]
    min_hosts: PositiveInt
    max_pairs: PositiveInt
    seed: int


@dataclass(config=STRICT, frozen=True)
class Learning:
    """How the network is trained; the same for every variant of a study.

    Attributes
    ----------
    backbone : str
        Any timm model name.
    epochs : int
        Fixed number of epochs; the checkpoint of the best validation AUROC is evaluated.
    augment : bool
        Random flips and quarter turns.
    """

    backbone: str
    epochs: PositiveInt
    batch_size: PositiveInt
    lr: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    augment: bool
    seed: int


@dataclass(config=STRICT, frozen=True)
class Evaluation:
    """How trained networks are scored.

    Attributes
    ----------
    fpr : float
        False-positive rate at which recall and completeness are stated; needs at least 10 / fpr negatives.
    core_mask_radius_pix : float
        Radius of the test-time core mask.
    common : Data
        The common test set, from which no variant is built.
    """

    fpr: Fraction
    core_mask_radius_pix: Annotated[float, Field(gt=0, lt=HALF_STAMP)]
    common: Data


@dataclass(config=STRICT, frozen=True)
class Runtime:
    """Where and with what resources; part of no key.

    Attributes
    ----------
    data_dir, mlruns_dir : str
        Folders of artifacts and of the tracking database.
    workers : int
        Processes that build data sets.
    threads : int
        Threads of the training.
    rows_per_shard, batch_rows : int
        Layout of the shards and length of a rendering batch.
    """

    data_dir: str
    mlruns_dir: str
    workers: PositiveInt
    threads: PositiveInt
    rows_per_shard: Annotated[int, Field(ge=4)]
    batch_rows: PositiveInt


@dataclass(config=STRICT, frozen=True)
class Variant:
    """One column of a study: a data set, a view on it, the gates and a training."""

    study: str
    variant: str
    data: Data
    view: View
    gates: Gates
    learning: Learning
    evaluation: Evaluation
    runtime: Runtime
    dry_run: bool = False


@dataclass(config=STRICT, frozen=True)
class Audit:
    """The gates alone, on a finished data set.

    Attributes
    ----------
    data : str
        Folder of the data set.
    output : str or None
        Where evidence.json is written; None: nowhere.
    """

    data: str
    output: str | None
    view: View
    gates: Gates
