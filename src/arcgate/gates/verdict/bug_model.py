"""What a bug model states: what is misread, its words and its advice, and on which kinds of data it can be named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs

if TYPE_CHECKING:
    from arcgate.gates.verdict.declared import Columns, DeclaredRows, Light
    from arcgate.gates.verdict.rows import RefitRows
    from arcgate.gates.verdict.trial import Transform, Trial

UNKNOWN: Final = "unknown_bug"
"""The name of what no bug model has a name for."""

Kind = Literal["arc stored", "paired without arc", "unpaired without arc"]
Standing = Literal["identifiable", "bounded", "noticed", "impossible"]
NoiseChange = Literal["more", "less", "other"]

REFIT_PARAMETERS: Final = (
    "flux",
    "psf_width",
    "psf_wings",
    "pedestal",
    "core_pedestal",
    "shift_x",
    "shift_y",
    "rotation",
    "einstein_radius",
    "geometry",
    "magnification",
)
"""Quantities refitted: relative changes (natural logarithms), pedestals in sky sigma, shifts in pixels, rotation in radians.

`geometry` scales lens and source on the sky and leaves the PSF; `magnification` scales the finished image about the host.
"""
LEVELS: Final = ("pedestal", "core_pedestal")
"""Refit parameters that do not follow from the arcs."""
# Light is proportional to these at any size; shifts, widths and scales are so to first order only.
_LINEAR: Final = frozenset({"flux", *LEVELS})


@dataclass(frozen=True)
class OtherPsfs:
    """Arcs convolved with other PSFs than those declared: `read` gives the PSFs of each row, one a band."""

    read: Callable[[DeclaredRows], Sequence[Psfs]]


@dataclass(frozen=True)
class OtherColumns:
    """Columns of lens and source that are misread: `read` gives the changed ones."""

    read: Callable[[DeclaredRows], Columns]


@dataclass(frozen=True)
class OtherImage:
    """What happens to the finished image: `read` makes it of the declared arc, float32 (n, band, y, x), before any mask."""

    read: Callable[[DeclaredRows, Light], Light]


Prediction = OtherPsfs | OtherColumns | OtherImage


@dataclass(frozen=True)
class Explanation:
    """One way in which a bug shows in the light: refit parameters that it moves, or a prediction of its own.

    Attributes
    ----------
    label : str
        Its own name, which no other explanation has.
    words : str
        What it says of the arcs; fitted amplitudes are put behind it.
    parameters : tuple of str
        Of `REFIT_PARAMETERS`: those that it consists of; their amplitudes are fitted.
    prediction : OtherPsfs, OtherColumns, OtherImage or None
        What the bug does, if it is there or not: the amplitude is one. None: of refit parameters, or a transformation, which is
        rendered only where something is wrong.
    by_band : bool
        Whether each band has an amplitude of its own.
    partial : bool
        Whether a fitted factor of the flux may hold in some rows only, even where host galaxies hide small effects. What is there
        or not always may.
    accounts_for : tuple of str
        Quantities of the refit whose alarm it explains; by default its parameters.
    least_share : float
        In fewer of the rows than this it is not believed.
    plain_from : float or None
        From this amplitude on it is named where the light is known, below the margin of its quantity too, if it explains best and
        nearly everything.
    without_light : Explanation or None
        What it is where its factor cannot be told from zero.
    nothing_left : bool
        Whether the arcs themselves are missing, so that nothing of them is left to be explained.
    bug : str
        Name of its bug model; set by the model.
    """

    label: str
    words: str
    parameters: tuple[str, ...] = ()
    prediction: Prediction | None = None
    by_band: bool = False
    partial: bool = False
    accounts_for: tuple[str, ...] = ()
    least_share: float = 0.0
    plain_from: float | None = None
    without_light: Explanation | None = None
    nothing_left: bool = False
    bug: str = UNKNOWN

    @property
    def free(self) -> bool:
        """Whether amplitudes are fitted; else they are one."""
        return bool(self.parameters)

    @property
    def in_some_rows(self) -> bool:
        """Whether it may hold in some rows only."""
        return self.partial or not self.free

    @property
    def predictions(self) -> tuple[str, ...]:
        """Which predictions it consists of."""
        return self.parameters or (self.label,)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities whose alarm it accounts for."""
        return self.accounts_for or self.parameters

    @property
    def exact(self) -> bool:
        """Whether light is proportional to the amplitude at any size."""
        return _LINEAR.issuperset(self.parameters)

    def size(self, n_bands: int) -> int:
        """Number of fitted amplitudes."""
        return len(self.parameters) * (n_bands if self.by_band else 1)


@dataclass(frozen=True)
class Transformation:
    """A search among transformations of arcs, made only once the refit has found something.

    Attributes
    ----------
    find : callable
        The best of them on the rows tried; None if these speak for none.
    of_columns : bool
        Whether it reads single columns otherwise, which is tried where no whole arc that was moved or turned settles it.
    """

    find: Callable[[Trial], Transform | None]
    of_columns: bool = False


@dataclass(frozen=True)
class BugModel:
    """A known bug: what it does to the light, and everything that is said of it.

    Attributes
    ----------
    name : str
        As the verdict, the tracking database and the documents call it.
    title, advice : str
        Of the report: the bug in a few words, and one line on what to do about it.
    explanations : tuple of Explanation, or callable
        How it shows; a function of the imaging where bands or pixels decide.
    transformation : Transformation or None
    noise : mapping
        How the border's noise changes (more, less, other), to what is then said.
    claims : callable or None
        Whether an explanation that has no name shows this bug in these rows.
    contradicted : callable or None
        What in the rows speaks against this bug where it alone was found, as a sentence; empty if nothing does.
    identifiability : mapping
        What may be wrong, to its standing on data with arcs stored, paired without arcs, and unpaired without arcs.
    """

    name: str
    title: str
    advice: str
    explanations: tuple[Explanation, ...] | Callable[[Imaging], tuple[Explanation, ...]] = ()
    transformation: Transformation | None = None
    noise: Mapping[NoiseChange, str] = field(default_factory=dict)
    claims: Callable[[Explanation, RefitRows], bool] | None = None
    contradicted: Callable[[RefitRows], str] | None = None
    identifiability: Mapping[str, tuple[Standing, Standing, Standing]] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Of the report."""
        return self.title if self.name == UNKNOWN else f"Bug: {self.title}"

    def explanations_of(self, imaging: Imaging) -> tuple[Explanation, ...]:
        """Its explanations of light in these stamps, under its name."""
        found = self.explanations(imaging) if callable(self.explanations) else self.explanations
        return tuple(replace(explanation, bug=self.name) for explanation in found)

    def exists_for(self, imaging: Imaging) -> bool:
        """Whether stamps like these can have it: one band, for one, cannot be mistaken for another."""
        return not callable(self.explanations) or bool(self.explanations(imaging))


def explanations_of(models: Sequence[BugModel], imaging: Imaging) -> tuple[Explanation, ...]:
    """The explanations of all models, in their order.

    Raises
    ------
    ArcgateError
        Two of them have the same label, or one is stated in a way that cannot be fitted.
    """
    found = tuple(explanation for model in models for explanation in model.explanations_of(imaging))
    counts = Counter(explanation.label for explanation in found)
    if twice := [label for label, count in counts.items() if count > 1]:
        owners = ", ".join(explanation.bug for explanation in found if explanation.label == twice[0])
        raise _refused(f"{owners} have an explanation of the same label {twice[0]!r}", "give each explanation a label of its own")
    for explanation in found:
        _check(explanation)
    return found


def _check(explanation: Explanation) -> None:
    """What a module of another package may have stated wrongly."""
    what = f"explanation {explanation.label!r} of bug model {explanation.bug}"
    if bool(explanation.parameters) == (explanation.prediction is not None):
        raise _refused(f"{what} has both or neither of parameters and prediction", "give one of them")
    if unknown := sorted(set(explanation.parameters) - set(REFIT_PARAMETERS)):
        raise _refused(f"{what} has unknown parameters {', '.join(unknown)}", f"choose among {', '.join(REFIT_PARAMETERS)}")
    if explanation.prediction is not None and explanation.label in REFIT_PARAMETERS:
        raise _refused(f"{what} has the name of a refit parameter", "give it a label of its own")
    if explanation.partial and explanation.parameters != ("flux",):
        raise _refused(f"{what} is partial, and no factor of the flux", "leave partial out")


def _refused(what: str, todo: str) -> ArcgateError:
    return ArcgateError(what, where="gates.bug_models", todo=todo)


def predicted(explanations: Sequence[Explanation]) -> list[tuple[str, Prediction]]:
    """Label and prediction of those that have one of their own."""
    return [(each.label, each.prediction) for each in explanations if each.prediction is not None]
