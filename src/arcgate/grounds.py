"""The simulated test sets that all variants share: which of them there are, and why one is not available."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from arcgate.data_node import CosmosSources, Data
from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import MockHosts

if TYPE_CHECKING:
    from arcgate.evaluation_node import Evaluation
    from arcgate.variant import View

GroundName = Literal["common", "realistic"]
TITLES: Final[dict[GroundName, str]] = {"common": "common test set", "realistic": "realistic test set"}
"""What each is called; its name is the first word of its scores, and of its settings below `evaluation`."""
_NOT_GIVEN: Final = (
    "its source images are not given (evaluation/realistic={choice} evaluation.realistic.source.path=<folder of HST stamps>)"
)
_OTHER_GALAXIES: Final = "this input shows each stamp's own control, and controls of this test set are other galaxies"


@dataclass(frozen=True)
class Grounds:
    """Test sets of a variant.

    Attributes
    ----------
    sets : dict of str to Data
        Those that can be built, by name.
    absent : dict of str to str
        Why the others are not available.
    """

    sets: dict[GroundName, Data]
    absent: dict[GroundName, str]


def grounds_of(evaluation: Evaluation, view: View) -> Grounds:
    """Test sets on which a network with this view can be scored, from the settings and from what lies on disk.

    Parameters
    ----------
    evaluation : Evaluation
    view : View
        One that needs each stamp's control has no test set whose controls are other galaxies.
    """
    settings: dict[GroundName, Data | None] = {"common": evaluation.common, "realistic": evaluation.realistic}
    sets: dict[GroundName, Data] = {}
    absent: dict[GroundName, str] = {}
    for name, data in settings.items():
        reason = _why_absent(name, data, view)
        if data is not None and reason is None:
            sets[name] = data
        else:
            # Where hosts have no measured PSFs, the Moffat that they declare.
            absent[name] = reason or _NOT_GIVEN.format(
                choice="cosmos_moffat" if _without_kernels(evaluation.common) else "cosmos"
            )
    return Grounds(sets, absent)


def require_scored(metric: str | None, grounds: Grounds) -> None:
    """Refuse a metric of a test set that is not available, before hours are spent.

    Parameters
    ----------
    metric : str or None
        Its first word is that of the test set.
    grounds : Grounds

    Raises
    ------
    ArcgateError
        With the reason.
    """
    for name, reason in grounds.absent.items():
        if metric is not None and metric.startswith(f"{name}/"):
            raise ArcgateError(
                f"the {TITLES[name]} is not available: {reason}",
                where=f"optimized_metric={metric}",
                todo="name a metric of another test set",
            )


def _why_absent(name: GroundName, data: Data | None, view: View) -> str | None:
    """Reasons name settings and no folders, so that scores do not depend on where things lie."""
    if data is None:
        return None
    if not view.deployable and not data.controls.paired:
        return _OTHER_GALAXIES
    # The common test set has to be there, whatever it is made of.
    if name == "common":
        return None
    if isinstance(data.source, CosmosSources) and not any(Path(data.source.path).glob("*.fits")):
        return f"no HST stamps (*.fits) lie in evaluation.{name}.source.path"
    kernels = None if isinstance(data.hosts, MockHosts) else data.hosts.kernels
    if kernels is not None and not Path(kernels.path).is_dir():
        return f"evaluation.{name}.hosts.kernels.path, where its PSFs should lie, is no folder"
    return None


def _without_kernels(data: Data) -> bool:
    return isinstance(data.hosts, MockHosts) or data.hosts.kernels is None
