"""The part of the configuration that says how a network is trained, and on which rows: the node `learning`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT, NotNegative, Positive, PositiveInt

Share = Annotated[float, Field(gt=0, le=1)]
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
Property = Literal["arc_snr", "arc_snr_injected", "theta_e_arcsec", "theta_e_over_psf"]
# Where objectives lie whose names have no dot.
OBJECTIVES = "arcgate.learning.objectives"
OBJECTIVE_SETTING = "learning.objective.module"


@dataclass(config=STRICT, frozen=True)
class Augmentation:
    """What is done to a stamp anew in every epoch, the same to both classes.

    Attributes
    ----------
    symmetries : bool
        One of the eight flips and turns of the square.
    shift_pix : float
        Largest shift in x and in y, pixels, drawn for a pair; 0 shifts none.
    core_dropout : float
        Probability with which both members of a pair lose their core: what lies within `core_dropout_radius_pix` of the galaxy is
        set to the median of the annulus.
    core_dropout_radius_pix : float
    """

    symmetries: bool
    shift_pix: Annotated[float, Field(ge=0, le=8)]
    core_dropout: Annotated[float, Field(ge=0, le=1)]
    core_dropout_radius_pix: Positive


@dataclass(config=STRICT, frozen=True)
class Objective:
    """What is minimised.

    Attributes
    ----------
    module : str
        A module of `arcgate.learning.objectives`, or the whole name of one of your own, that exports `objective`.
    parameters : dict
        What `objective` is called with.
    """

    module: ModuleName
    parameters: dict[str, float]


@dataclass(config=STRICT, frozen=True)
class Curriculum:
    """Easy arcs first.

    Attributes
    ----------
    by : str
        A pair is the easier the larger this is of its arc.
    begin : float
        Share of the pairs in the first epoch, the easiest.
    until : float
        Share of the epochs after which all pairs take part; their share rises evenly.
    """

    by: Property
    begin: Share
    until: Share


@dataclass(config=STRICT, frozen=True)
class Sampling:
    """Which rows of a data set a network gets, and with what weight; gates judge these.

    Attributes
    ----------
    name : str
    least : dict
        Smallest values of an arc's properties: pairs whose arc lies below any of them have `weight_below`.
    weight_below : float
        0 leaves them out.
    positives_only : bool
        Whether the weight is that of positives alone, while their controls stay as they are. This selects hosts: published sets
        did it, and `metadata` fails it.
    positives : float
        Share of the pairs, chosen by hash, whose positives are shown.
    negatives_per_positive : float
        Controls for each of these positives, from as many pairs.
    curriculum : Curriculum or None
    """

    name: str
    least: dict[Property, float]
    weight_below: Annotated[float, Field(ge=0, le=1)]
    positives_only: bool
    positives: Share
    negatives_per_positive: Positive
    curriculum: Curriculum | None

    @model_validator(mode="after")
    def _enough_controls(self) -> Sampling:
        if self.positives * self.negatives_per_positive > 1 + 1e-9:
            raise ValueError(
                f"{self.negatives_per_positive:g} negatives for each positive of {self.positives:g} of the pairs are more than "
                f"there are controls: let positives be at most {1 / self.negatives_per_positive:.3g}"
            )
        return self

    @property
    def whole(self) -> bool:
        """Whether every row takes part with the same weight."""
        return not self.least and self.positives == 1.0 and self.negatives_per_positive == 1.0


EVERYTHING = Sampling("everything", {}, 0.0, False, 1.0, 1.0, None)
"""Every row, with the same weight."""


@dataclass(config=STRICT, frozen=True)
class TrainerSettings:
    """How Lightning runs.

    Attributes
    ----------
    precision : str
        Of the network's arithmetic: `32-true`, `bf16-mixed` or `16-mixed` (for a GPU).
    accumulate : int
        Batches whose gradients make one step.
    compile : bool
        Whether torch compiles the network.
    callbacks : tuple of dict
        Callbacks of Lightning, each with `_target_` and its arguments.
    """

    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    accumulate: PositiveInt
    compile: bool
    callbacks: tuple[dict[str, Any], ...]


@dataclass(config=STRICT, frozen=True)
class Learning:
    """How the network is trained; the same for every variant of a study.

    Attributes
    ----------
    backbone : str
        Any timm model name.
    weights : str or None
        None: random. `pretrained`: timm's own, which it downloads. Else a file of weights, which the key follows.
    stem_stride : int or None
        Stride of the first convolution; None leaves it as timm has it. 1 keeps arcs of few pixels.
    epochs : int
        Passes over the rows; the checkpoint of the best validation AUROC is evaluated.
    steps : int or None
        Optimiser steps of the whole training, in the place of `epochs`: for comparisons at equal steps.
    """

    backbone: str
    weights: str | None
    stem_stride: Literal[1, 2, 4] | None
    epochs: PositiveInt
    steps: PositiveInt | None
    batch_size: PositiveInt
    lr: Positive
    weight_decay: NotNegative
    augmentation: Augmentation
    objective: Objective
    sampling: Sampling
    trainer: TrainerSettings
    seed: int
