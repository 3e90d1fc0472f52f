"""The configuration as frozen dataclasses: a data variant, its view, gates, training and scoring."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from arcgate.data_node import Data
from arcgate.evaluation_node import Evaluation
from arcgate.ground.listed import full_name, known_name
from arcgate.hosts_node import PerBand
from arcgate.imaging import Imaging
from arcgate.learning_node import EVERYTHING, Learning, Sampling
from arcgate.naming import Name, StudyName
from arcgate.settings import STRICT, Fraction, Positive, PositiveInt

MAX_CELLS = 12
# Light that a gate must detect where galaxies leave the pixels dark (experiments/14-leak-ladder).
REQUIRED_SKY_SIGMA = 0.1
# The largest of the sizes must be detected: more than this, the brightest that conf/gates plants, and a pass would say nothing.
LARGEST_SKY_SIGMA = 0.5
# Where gates and bug models lie whose names have no dot.
GATES = "arcgate.gates"
BUG_MODELS = "arcgate.gates.verdict.bug_models"
# The settings that list them, as messages name them.
GATE_LISTS = "gates.listed, gates.attacks, gates.own_gates"
BUG_MODEL_LISTS = "gates.bug_models, gates.own_bug_models"
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


PlaneName = Literal["stamp", "control", "residual", "azimuthal_residual", "rotation_residual"]

# What shows the true control, which no image of a real lens has.
CONTROL_PLANES: frozenset[PlaneName] = frozenset({"control", "residual"})


def _planes_once(planes: tuple[PlaneName, ...]) -> tuple[PlaneName, ...]:
    if twice := [name for name in planes if planes.count(name) > 1]:
        raise ValueError(f"{twice[0]} is listed twice")
    return planes


@dataclass(config=STRICT, frozen=True)
class View:
    """From a stamp to what the network sees.

    Attributes
    ----------
    planes : tuple of {'stamp', 'control', 'residual', 'azimuthal_residual', 'rotation_residual'}
        What is shown of a stamp, each as many channels as there are bands (see `arcgate.views.planes`).
    normalisation : {'raw', 'stamp_robust', 'annulus_robust', 'noise'}
        Per stamp and band subtract the median and divide by the scaled median absolute deviation of the whole stamp,
        or of the pixels in the annulus; `raw` divides by the constants `raw_scale_nmgy`, `noise` by the standard deviation of the
        sky, which is that of the galaxy's place whatever lies in the stamp.
    annulus : float
        Inner radius of the annulus in units of half the stamp's side.
    stretch : {'none', 'asinh'}
        Applied after normalisation.
    raw_scale_nmgy : PerBand
        Constants of `raw`, nanomaggies per pixel.
    """

    planes: Annotated[tuple[PlaneName, ...], Field(min_length=1), AfterValidator(_planes_once)]
    normalisation: Literal["raw", "stamp_robust", "annulus_robust", "noise"]
    annulus: Fraction
    stretch: Literal["none", "asinh"]
    raw_scale_nmgy: PerBand

    @property
    def normalises(self) -> bool:
        """Whether it has statistics of its own, which may carry something: `raw` divides by constants, `noise` by the sky's."""
        return self.normalisation not in ("raw", "noise")

    @property
    def deployable(self) -> bool:
        """Whether any image of the sky has this view: a real lens has no control."""
        return not CONTROL_PLANES.intersection(self.planes)


@dataclass(config=STRICT, frozen=True)
class Cell:
    """One cell of the two-sample battery: where it looks, what it summarises there, and the rule that tries to tell.

    Attributes
    ----------
    region : {'core', 'annulus', 'border', 'stamp'}
        Pixels looked at.
    summary : {'pca', 'radial', 'power', 'lsb'}
        Principal components of the pixels, radial profile, power spectrum, or least significant bits.
    probe : {'ridge', 'trees'}
        Ridge regression or boosted trees.
    """

    region: Literal["core", "annulus", "border", "stamp"]
    summary: Literal["pca", "radial", "power", "lsb"]
    probe: Literal["ridge", "trees"]


def _different(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    twice = {cell for cell in cells if cells.count(cell) > 1}
    if twice:
        names = ", ".join(sorted(f"{cell.region}/{cell.summary}/{cell.probe}" for cell in twice))
        raise ValueError(f"cells are listed twice: {names}")
    return cells


def _ascending(sizes: tuple[float, ...]) -> tuple[float, ...]:
    if any(second <= first for first, second in pairwise(sizes)):
        raise ValueError(f"sizes of the planted leak must ascend, got {list(sizes)}")
    if sizes[0] > REQUIRED_SKY_SIGMA:
        raise ValueError(f"one of the planted leaks must be {REQUIRED_SKY_SIGMA:g} sky sigma or smaller, got {list(sizes)}")
    if sizes[-1] > LARGEST_SKY_SIGMA:
        raise ValueError(
            f"no planted leak may be larger than {LARGEST_SKY_SIGMA:g} sky sigma, got {list(sizes)}: gates must detect the "
            "largest, and a set in which nothing smaller is detected has not been tested"
        )
    return sizes


def _no_namesake(names: tuple[str, ...], setting: str, room: str) -> None:
    """Refuse a module in one file of somebody's own that has the name of one of arcgate's."""
    if taken := [name for name in names if known_name(name, room) != name]:
        raise ValueError(f"{setting}: arcgate has a module {room}.{taken[0]}; give yours, {taken[0]}, another name or a package")


def _each_once(names: tuple[str, ...]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"listed twice: {', '.join(twice)}")


@dataclass(config=STRICT, frozen=True)
class Gates:
    """Settings of the gates.

    Attributes
    ----------
    listed : tuple of str
        The gates that run, by the names of their modules in `arcgate.gates`; what is left out is not run, and a set that needs it
        does not pass.
    attacks : tuple of str
        Gates of `arcgate.gates` that train a network against the data set, which takes about as long as all others together: they
        are judged after them and timed by themselves, and no pass needs them.
    own_gates : tuple of str
        Gates of your own beside them, by the whole names of their modules.
    margin : float
        Equivalence margin in AUC, declared beforehand; at most 0.2, since within more a network could tell most stamps apart.
    level : float
        Coverage of the intervals; at least 0.68, one standard deviation, since narrower ones fit into any margin.
    leak_sizes_sky_sigma : tuple of float
        Sizes of planted light, ascending, in units of the sky's standard deviation per pixel; the largest, at most 0.5, must be
        detected.
    min_hosts : int
        Fewer galaxies than this in either half leave a gate undetermined.
    max_pairs : int
        At most this many pairs are judged, chosen by hash; split integrity is judged on all rows.
    cells : tuple of Cell
        The two-sample battery, at most 12; none leaves it out, and a set that needs it does not pass.
    reference_rows : int
        Positives whose arcs are compared with the slow reference renderer (1.4 to 4 s each); 0 leaves that gate out.
    verdict_pairs : int
        Pairs whose light is refitted to name a cause.
    bug_models : tuple of str
        The bugs that are looked for, by the names of their modules in `arcgate.gates.verdict.bug_models`.
    own_bug_models : tuple of str
        Bug models of your own beside them, by the whole names of their modules.
    seed : int
        Seed of the split of galaxies into the half that fits and the half that judges.
    overlap_arcsec : float
        Rows of different splits that lie closer to each other than this share pixels: the diagonal of a stamp of 64 pixels.
        A larger stamp counts by its own.
    known_lenses : tuple of str
        Files with positions of known lenses, none of which may be a negative.
    whole_bricks : bool or None
        Whether a brick in two splits fails; None: where galaxies were cut from bricks (hosts=legacy), and else it is reported.
    """

    listed: Annotated[tuple[ModuleName, ...], Field(min_length=1)]
    attacks: tuple[ModuleName, ...]
    own_gates: tuple[ModuleName, ...]
    margin: Annotated[float, Field(gt=0, le=0.2)]
    level: Annotated[float, Field(ge=0.68, lt=1)]
    leak_sizes_sky_sigma: Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(_ascending)]
    min_hosts: PositiveInt
    max_pairs: PositiveInt
    cells: Annotated[tuple[Cell, ...], Field(max_length=MAX_CELLS), AfterValidator(_different)]
    reference_rows: Annotated[int, Field(ge=0)]
    verdict_pairs: PositiveInt
    bug_models: tuple[ModuleName, ...]
    own_bug_models: tuple[ModuleName, ...]
    seed: int
    overlap_arcsec: Annotated[float, Field(gt=1, le=3600)]
    known_lenses: tuple[str, ...]
    whole_bricks: bool | None

    @model_validator(mode="after")
    def _lists_are_sound(self) -> Gates:
        _each_once(self.gate_modules)
        _each_once(self.bug_model_modules)
        _no_namesake(self.own_gates, "own_gates", GATES)
        _no_namesake(self.own_bug_models, "own_bug_models", BUG_MODELS)
        return self

    @property
    def modules(self) -> dict[str, tuple[str, ...]]:
        """Whole names of the modules that each setting lists."""
        return {
            "gates.listed": tuple(full_name(name, GATES) for name in self.listed),
            "gates.attacks": self.attack_modules,
            "gates.own_gates": self.own_gates,
            "gates.bug_models": tuple(full_name(name, BUG_MODELS) for name in self.bug_models),
            "gates.own_bug_models": self.own_bug_models,
        }

    @property
    def gate_modules(self) -> tuple[str, ...]:
        """Whole names of the modules of all gates that run."""
        return self.modules["gates.listed"] + self.attack_modules + self.own_gates

    @property
    def attack_modules(self) -> tuple[str, ...]:
        """Whole names of the modules of attacks."""
        return tuple(full_name(name, GATES) for name in self.attacks)

    @property
    def bug_model_modules(self) -> tuple[str, ...]:
        """Whole names of the modules of all bug models."""
        return self.modules["gates.bug_models"] + self.modules["gates.own_bug_models"]


def _of_spark(conf: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
    if strangers := [name for name in conf if not name.startswith("spark.")]:
        raise ValueError(f"{strangers[0]} is no setting of Spark: their names begin with 'spark.'")
    if "spark.master" in conf:
        raise ValueError("spark.master is the setting runtime.spark.master")
    return conf


@dataclass(config=STRICT, frozen=True)
class SparkSettings:
    """Settings of the engine `spark`.

    Attributes
    ----------
    master : str
        Address of the cluster: `local[<cores>]`, `local[*]`, `spark://<host>:<port>`, `yarn`, `k8s://<address>`.
    memory : str
        Of Java in the driver and in each executor, as `1g`; the pixels lie outside of it, in the Python processes.
    patience_s : float
        So long the cluster may work on nothing before the job is given up, seconds.
    conf : dict
        Further settings of Spark, by their own names.
    """

    master: Annotated[str, Field(pattern=r"^(local(\[.+\])?|spark://.+|yarn|k8s://.+)$")]
    memory: Annotated[str, Field(pattern=r"^[1-9][0-9]*[mg]$")]
    patience_s: Positive
    conf: Annotated[dict[str, str | int | float | bool], AfterValidator(_of_spark)]


@dataclass(config=STRICT, frozen=True)
class Runtime:
    """Where and with what resources; part of no key.

    Attributes
    ----------
    data_dir, mlruns_dir : str
        Folders of artifacts and of the tracking database.
    engine : {'local', 'spark'}
        Who cuts out galaxies and builds data sets: processes of this machine, or a Spark cluster.
    workers : int
        Processes of this machine that build data sets.
    threads : int
        Threads of the training.
    rows_per_shard, batch_rows : int
        Layout of the shards and length of a rendering batch.
    spark : SparkSettings
        Of the engine `spark`.
    """

    data_dir: str
    mlruns_dir: str
    engine: Literal["local", "spark"]
    workers: PositiveInt
    threads: PositiveInt
    rows_per_shard: Annotated[int, Field(ge=4)]
    batch_rows: PositiveInt
    spark: SparkSettings


@dataclass(config=STRICT, frozen=True)
class Variant:
    """One row of a study's table: a data set, a view on it, the gates and a training.

    Attributes
    ----------
    study : str
        Under which it is kept.
    variant : str
        Its name, short where it was made by hand (`arcgate.variant_names`).
    made_by : str
        Its whole name: the named variant that was changed, and every override that changed it, as typed.
    command : str
        What makes it, as one would type it.
    optimized_metric : str or None
        The metric that the job returns, for sweepers that optimise one (see `arcgate.optimized`).
    """

    study: StudyName
    variant: Name
    made_by: Name
    command: str
    data: Data
    view: View
    gates: Gates
    learning: Learning
    evaluation: Evaluation
    runtime: Runtime
    optimized_metric: str | None = None
    dry_run: bool = False

    @property
    def sampling(self) -> Sampling:
        """The rows that are judged: those that the network gets."""
        return self.learning.sampling


@dataclass(config=STRICT, frozen=True)
class Audit:
    """The gates alone, on a finished data set of any layout.

    Attributes
    ----------
    data : str
        A data set's folder or digest (see `arcgate.dataset.finding`), a table of the older layout, or a .npz file (see
        `arcgate.foreign.opening`).
    output : str or None
        Folder of evidence.json and report.html; None: `<data_dir>/audits/<evidence key>`.
    track : bool
        Whether to keep the audit as a run of the experiment `audits` in MLflow.
    imaging : Imaging or None
        Of another maker's stamps; None: what the file states, else that of DECaLS.
    diagnostics : bool
        Whether diagnostics are printed too; evidence and report have them anyway.
    """

    data: str
    output: str | None
    track: bool
    view: View
    gates: Gates
    runtime: Runtime
    imaging: Imaging | None = None
    diagnostics: bool = False
    dry_run: bool = False

    @property
    def sampling(self) -> Sampling:
        """The rows that are judged: all."""
        return EVERYTHING
