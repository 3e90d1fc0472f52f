"""A network to take home: a model of MLflow that scores cutouts in nanomaggies without any folder of arcgate's."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mlflow
import numpy as np
import pandas as pd
from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR
from mlflow.models import Model
from numpy.typing import NDArray
from yaml import YAMLError

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.tracking import names
from arcgate.tracking.descriptions import model_description
from arcgate.tracking.record import set_tags
from arcgate.tracking.store import Store
from arcgate.variant import CONTROL_PLANES, View

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from arcgate.evaluation.network import Network

NAME: Final = "network"
"""Of the model on its run."""
CHAMPION: Final = "champion"
SCORE: Final = "common/auroc"
"""By which the champion of a study is chosen."""
_RUN: Final = re.compile(r"runs:/([^/]+)/.*")
_NAME_ONE: Final = (
    "give models:/<study>@champion (there is one once a variant has passed its gates), the tag arcgate.model of a run, or the "
    "folder of a saved model"
)


def log_network(
    store: Store,
    run_id: str,
    checkpoint: Path,
    imaging: Imaging,
    view: View,
    facts: Mapping[str, object],
    files: Mapping[str, Path],
) -> str | None:
    """Keep a network on its run.

    Parameters
    ----------
    store : Store
    run_id : str
        The variant's run.
    checkpoint : Path
        Best weights.
    imaging, view : Imaging, View
        Of its training.
    facts : mapping
        What whoever takes it home must know: variant, safe, cause, threshold_logit, threshold_fpr, digests.
    files : mapping of str to Path
        Evidence, completeness and reliability, kept beside it by these names.

    Returns
    -------
    str or None
        URI of the model, which is the tag `arcgate.model` too; None where the input cannot be had of a real image, so that there
        is nothing to take home. A run that has a model keeps it, unless somebody deleted it, and its page says what is known now.
    """
    if not view.deployable:
        return None
    if (known := store.client.get_run(run_id).data.tags.get(names.MODEL)) is not None and _described(store, known) is not None:
        _describe(store, known, imaging, view, facts)
        return known
    with _quiet(), _tracking(store), mlflow.start_run(run_id=run_id, log_system_metrics=False):
        from mlflow import pyfunc

        from arcgate.tracking.network_model import CHECKPOINT

        logged = pyfunc.log_model(
            name=NAME,
            python_model=str(Path(__file__).with_name("loaded_by_mlflow.py")),
            artifacts={CHECKPOINT: str(checkpoint)} | {name: str(path) for name, path in files.items()},
            signature=signature_of(imaging, view),
            input_example=example_of(imaging, view),
            pip_requirements=[f"arcgate=={version('arcgate')}"],
            metadata={name: value for name, value in facts.items() if value is not None},
        )
    _describe(store, logged.model_uri, imaging, view, facts)
    set_tags(store, run_id, {names.MODEL: logged.model_uri})
    return str(logged.model_uri)


def crown(store: Store, study: str, table: pd.DataFrame) -> str | None:
    """Let the alias `champion` of the study's model name the best network whose data set passed, none where no such variant is.

    Parameters
    ----------
    store : Store
    study : str
        Name of the study, and of the registered model.
    table : DataFrame
        Of the study (`arcgate.tracking.results.study_table`): run_id, safe, the scores, and the tag of the model.

    Returns
    -------
    str or None
        Name of the variant.
    """
    client = store.client
    registered = client.search_registered_models(f"name = '{study}'")
    # A study without a finished training lacks some.
    whole = table.reindex(columns=table.columns.union(["safe", "model", SCORE], sort=False))
    fit = whole[(whole["safe"] == "passed") & whole["model"].notna() & whole[SCORE].notna()]
    rows = fit.sort_values(SCORE, ascending=False, kind="stable").iterrows()
    ranked = ((row, _described(store, str(row["model"]))) for _, row in rows)
    best, described = next((pair for pair in ranked if pair[1] is not None), (None, None))
    if best is None:
        if registered and CHAMPION in registered[0].aliases:
            client.delete_registered_model_alias(study, CHAMPION)
        return None
    uri = str(best["model"])
    if not registered:
        client.create_registered_model(study, description=f"Networks of the study {study} on data sets that passed all gates.")
    known = [each for each in client.search_model_versions(f"name = '{study}'") if each.source == uri]
    with _quiet(), _tracking(store):
        version_ = known[0] if known else client.create_model_version(study, uri, run_id=str(best["run_id"]))
    client.update_model_version(study, version_.version, described)
    client.set_registered_model_alias(study, CHAMPION, version_.version)
    return str(best["variant"])


def _describe(store: Store, uri: str, imaging: Imaging, view: View, facts: Mapping[str, object]) -> None:
    """What stands on a network's page."""
    store.client.set_logged_model_tags(_id_of(uri), {names.NOTE: model_description(uri, imaging, view, facts)})


def _described(store: Store, uri: str) -> str | None:
    """What stands there; None where somebody deleted the network."""
    try:
        return store.client.get_logged_model(_id_of(uri)).tags.get(names.NOTE, "")
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _id_of(uri: str) -> str:
    return uri.removeprefix("models:/")


# What MLflow says of type hints of its own.
_SAID: Final = ".*type hint"


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow's models without remarks that nobody can act on; errors still come through."""
    log = logging.getLogger("mlflow")
    bar: Any = MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR  # its methods carry no annotations
    level, shown = log.level, bar.get()
    log.setLevel(logging.ERROR)
    bar.set(False)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_SAID, category=UserWarning)
            yield
    finally:
        log.setLevel(level)
        bar.set(shown)


def signature_of(imaging: Imaging, view: View) -> ModelSignature:
    """Types and shapes of what goes in and comes out; n is free."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        TensorSpec(np.dtype(np.float32), (-1, *imaging.shape), "image"),
        TensorSpec(np.dtype(np.float64), (-1,), "x_pix"),
        TensorSpec(np.dtype(np.float64), (-1,), "y_pix"),
    ]
    if view.normalisation == "noise":
        inputs.append(TensorSpec(np.dtype(np.float32), (-1, len(imaging.bands)), "sky_sigma"))
    return ModelSignature(Schema(inputs), Schema([TensorSpec(np.dtype(np.float64), (-1,))]))


def example_of(imaging: Imaging, view: View) -> dict[str, NDArray[np.generic]]:
    """Two stamps of noise, as the signature says."""
    rng, middle = np.random.default_rng(0), np.full(2, imaging.middle_pix)
    given: dict[str, NDArray[np.generic]] = {"image": rng.normal(0.0, 0.01, (2, *imaging.shape)).astype(np.float32)}
    given |= {"x_pix": middle, "y_pix": middle}
    if view.normalisation == "noise":
        given["sky_sigma"] = np.full((2, len(imaging.bands)), 0.01, dtype=np.float32)
    return given


@contextmanager
def _tracking(store: Store) -> Iterator[None]:
    """MLflow's functions on one database; what they were set to before is set again."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


@dataclass(frozen=True)
class KeptNetwork:
    """A network that MLflow kept, with what was kept beside it.

    Attributes
    ----------
    network : Network
    facts : mapping
        As `log_network` got them: variant, safe, threshold_logit, ...
    identity : str
        The model's own, wherever it is copied to.
    """

    network: Network
    facts: Mapping[str, Any]
    identity: str


def load_network(uri: str) -> Network:
    """The network of a model, by `runs:/<run>/network`, `models:/<name>@champion` or a folder; errors as `load_kept`."""
    return load_kept(uri).network


def load_kept(uri: str, store: Store | None = None) -> KeptNetwork:
    """A network with its facts.

    Parameters
    ----------
    uri : str
        `runs:/<run>/network`, `models:/<name>@champion`, `models:/<model>`, or a folder.
    store : Store, optional
        Where runs and models are sought; None: where MLflow was told to.

    Raises
    ------
    ArcgateError
        There is no such model, it is none of arcgate's, its weights cannot be read, or no real image has its input.
    """
    from arcgate.tracking.network_model import NetworkModel

    with _quiet(), nullcontext() if store is None else _tracking(store):
        _require_described(uri, store)
        try:
            from mlflow import pyfunc

            loaded = pyfunc.load_model(uri)
            found = loaded.unwrap_python_model()
        except (mlflow.exceptions.MlflowException, OSError) as error:
            raise ArcgateError(f"the model {uri} cannot be read: {error}", where="model", todo=_NAME_ONE) from error
    if not isinstance(found, NetworkModel):
        raise ArcgateError(f"{uri} is no network of arcgate's", where="model", todo=_NAME_ONE)
    _require_deployable(found.network.viewer.view, uri)
    return KeptNetwork(found.network, loaded.metadata.metadata or {}, str(loaded.metadata.model_uuid))


def _require_described(uri: str, store: Store | None) -> None:
    """Read what a model says of itself before any of its code is run; MLflow takes whatever lies in that file as it is."""
    try:
        Model.load(uri)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        reason = None if store is None else _why_not_kept(store, uri)
        raise ArcgateError(reason or f"there is no model {uri}: {error}", where="model", todo=_NAME_ONE) from error
    except (YAMLError, AttributeError, TypeError, KeyError) as error:
        raise ArcgateError(f"the file MLmodel of {uri} cannot be read: {error}", where="model", todo=_NAME_ONE) from error


def _require_deployable(view: View, uri: str) -> None:
    if not view.deployable:
        raise ArcgateError(_undeployable(uri, ", ".join(view.planes)), where="model", todo=_NAME_ONE)


def _why_not_kept(store: Store, uri: str) -> str | None:
    """Why a run has no network; None where the run itself is not known, or is named by no run."""
    named = _RUN.fullmatch(uri)
    try:
        run = None if named is None else store.client.get_run(named[1])
    except mlflow.exceptions.MlflowException:
        return None
    if run is None or names.MODEL in run.data.tags:
        return None
    planes = run.data.params.get("view.planes", "")
    if set(planes.split(", ")) & CONTROL_PLANES:
        return _undeployable(uri, planes)
    return f"the run {run.info.run_name!r} keeps no network: its training is not finished"


def _undeployable(uri: str, planes: str) -> str:
    return f"{uri} cannot score images of the sky: its input ({planes}) shows each stamp's true control, which no real image has"
