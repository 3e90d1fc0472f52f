"""The part of the configuration that says how trained networks are scored: the node `evaluation`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from arcgate.data_node import Data
from arcgate.settings import STRICT, Fraction, NotNegative, Positive

# Of what is no lens, in a test set with rows of certifying roles.
Kind = Literal["control", "unlensed", "ring", "shuffled"]


def _of_whole(mixture: dict[Kind, float]) -> dict[Kind, float]:
    if abs((total := sum(mixture.values())) - 1.0) > 1e-9:
        raise ValueError(f"the shares of what is no lens sum to {total:g}, not to 1; kinds that are not named keep theirs")
    return mixture


@dataclass(config=STRICT, frozen=True)
class Evaluation:
    """How trained networks are scored.

    Attributes
    ----------
    fpr : float
        False-positive rate at which recall and completeness are stated; needs at least 10 / fpr negatives.
    prior : float
        Share of lenses among what a survey shows, at which purity is stated.
    mixture : dict of str to float
        Share of each kind among what is no lens, at which purity is stated too: control (plain galaxies), unlensed, ring,
        shuffled.
    core_mask_radius_pix : float
        Radius of the test-time core mask.
    common : Data
        The common test set, from which no variant is built.
    realistic : Data or None
        Another one, nearer to a survey; None where its images are not given.
    force : bool
        Whether a test set that shares something with the training set is scored all the same, with it and without it.
    """

    fpr: Fraction
    prior: Fraction
    mixture: Annotated[dict[Kind, NotNegative], AfterValidator(_of_whole)]
    core_mask_radius_pix: Positive
    common: Data
    realistic: Data | None = None
    force: bool = False
