"""`arcgate predict`: every stamp of a data set scored by a network that was kept, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import expit

from arcgate.dataset.finding import SHOWN, find_set
from arcgate.dataset.shard_reading import StampBatch, read_shard
from arcgate.dataset.source import DatasetSource, Source
from arcgate.evaluation.network import AT_ONCE, Network
from arcgate.evaluation.predict import inference
from arcgate.finished import opened
from arcgate.foreign.foreign_source import ForeignPart, ForeignSource
from arcgate.foreign.opening import check_unchanged, notes_of, open_source
from arcgate.ground.atomic import atomically
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.hashing import digest_of
from arcgate.ground.progress import step
from arcgate.ground.terminal import place, show, width, wrapped
from arcgate.learning.looking import columns_for, stamps_of_batch
from arcgate.prediction_spec import Prediction
from arcgate.tracking.model import KeptNetwork, load_kept
from arcgate.tracking.store import DATABASE
from arcgate.views.view import Viewer

SUFFIX: Final = ".parquet"
# What names a row and says what it is: of a data set of arcgate, and of stamps of another maker, as far as they are there.
_OWN: Final = ("sample_id", "host_id", "pair_id", "role", "label", "split")
_FOREIGN: Final = ("row", "before_injection", "host_id", "label", "split")
_INDENT: Final = 11
_SAFE: Final = {
    "passed": "passed",
    "failed": "failed: it may go by something else than arcs",
    "undetermined": "undetermined: whether it goes by arcs alone was not decided",
}


@dataclass(frozen=True)
class Opened:
    """A network, what it is to score, and where the table belongs."""

    spec: Prediction
    kept: KeptNetwork
    source: DatasetSource | ForeignSource
    out: Path

    @property
    def threshold(self) -> float | None:
        """Logit that a lens exceeds, from the network's own evaluation; None if none is known."""
        found = self.kept.facts.get("threshold_logit")
        return None if found is None or not math.isfinite(found) else float(found)


def predict(spec: Prediction) -> pd.DataFrame:
    """Score every stamp, write the table, and print what it holds in a few lines.

    Parameters
    ----------
    spec : Prediction

    Returns
    -------
    DataFrame
        What names a row (sample_id; of another maker's stamps row, the stored row, and before_injection, whether it is the stamp
        of the galaxy beside it), host_id, pair_id, role, label and split as far as they are there, logit, probability
        (its logistic function), above_threshold. The last three are missing where a stamp has no view: pixels that are not
        finite, no spread to divide by. `attrs` say which model and which data.

    Raises
    ------
    ArcgateError
        There is no such model or data set, one of them cannot be read, their imagings differ, no real image has the network's
        input, or the table would replace one that is there.
    """
    ready = _open(spec)
    check_unchanged(ready.source, spec.runtime.workers)
    with inference(spec.runtime.threads):
        table = _scored(ready)
    ready.out.parent.mkdir(parents=True, exist_ok=True)
    with atomically(ready.out) as temporary:
        table.to_parquet(temporary, index=False)
    show(_lines(ready, table))
    return table


def print_predict_plan(spec: Prediction) -> None:
    """Print what would be scored and where the table would lie; nothing is scored or written."""
    ready = _open(spec)
    rows = count_of(_count(ready.source), "row")
    show([*_about(ready), *_line("rows", f"{rows} of {_named(ready.source)} would be scored"), *_line("table", f"{ready.out}")])


def _open(spec: Prediction) -> Opened:
    given = None if spec.out is None else _checked_out(Path(spec.out), spec.overwrite)
    kept = _model(spec)
    source = open_source(find_set(spec.data, spec.runtime.data_dir), spec.imaging)
    _require_same_imaging(kept.network, source)
    if not isinstance(source, DatasetSource | ForeignSource):
        raise ArcgateError("a table without stamps: there is nothing to score", where=source.path, todo="give a set with stamps")
    key = digest_of([kept.identity, source.digest])
    own = Path(spec.runtime.data_dir) / "predictions" / f"{key[:SHOWN]}{SUFFIX}"
    return Opened(spec, kept, source, given or _checked_out(own, spec.overwrite))


def _model(spec: Prediction) -> KeptNetwork:
    """The network, on the fastest device; a tracking database is opened only where the name asks for one."""
    if Path(spec.model).exists():
        kept = load_kept(spec.model)
    elif not spec.model.startswith(("models:/", "runs:/")):
        raise ArcgateError(
            f"there is no folder {spec.model}",
            where="model",
            todo="give the folder of a saved model, models:/<study>@champion, or the tag arcgate.model of a run",
        )
    elif not (database := Path(spec.runtime.mlruns_dir) / DATABASE).is_file():
        raise ArcgateError(
            f"there is no model {spec.model}: there is no tracking database",
            where=database.absolute(),
            todo="name the right folder (runtime.mlruns_dir), or give the folder of a saved model",
        )
    else:
        kept = load_kept(spec.model, opened(spec.runtime.mlruns_dir))
    kept.network.finder.to("cuda" if torch.cuda.is_available() else "cpu")
    return kept


def _checked_out(out: Path, overwrite: bool) -> Path:
    if out.suffix != SUFFIX:
        raise ArcgateError(
            f"the table is a Parquet file, and {out.name!r} is called otherwise", where="out", todo=f"end it in {SUFFIX}"
        )
    if out.is_dir():
        raise ArcgateError("a folder has the name of the table", where=out, todo="give out another name")
    if out.exists() and not overwrite:
        raise ArcgateError(
            "a table is there already", where=out, todo="give out=<another file>, or overwrite=true, which replaces it"
        )
    return out


def _require_same_imaging(network: Network, source: Source) -> None:
    trained, found = network.viewer.imaging.in_nanomaggies, source.facts.imaging.in_nanomaggies
    if trained != found:
        raise ArcgateError(
            f"the network was trained on stamps in {trained}, and those of the data set are in {found}",
            where=source.path,
            todo="score a data set of the network's imaging; if the file does not state its own, say it: imaging=<option>",
        )


def _scored(ready: Opened) -> pd.DataFrame:
    network, source = ready.kept.network, ready.source
    tables = []
    with step("scoring: stamps", _count(source)) as advance:
        for batch in _batches(source, network.viewer):
            for first in range(0, len(batch.table), AT_ONCE):
                some = _some(batch, np.arange(first, min(first + AT_ONCE, len(batch.table))))
                tables.append(some.table.assign(logit=_logits(network, some)))
                advance(len(some.table))
    return _finished(pd.concat(tables, ignore_index=True), ready)


def _finished(table: pd.DataFrame, ready: Opened) -> pd.DataFrame:
    """The columns of the table, in the order of what names its rows; a stamp that is in several pairs once."""
    own = isinstance(ready.source, DatasetSource)
    columns = [name for name in (_OWN if own else _FOREIGN) if name in table]
    if not ready.source.facts.galaxies_named:
        columns.remove("host_id")
    names = columns[: 1 if own else 2]
    table = table[[*columns, "logit"]].drop_duplicates(names).sort_values(names, ignore_index=True)
    logit = table["logit"]
    above = pd.Series(pd.NA, index=table.index, dtype="boolean")
    if ready.threshold is not None:
        above = (logit > ready.threshold).astype("boolean").where(logit.notna())
    facts = {name: ready.kept.facts.get(name) for name in ("variant", "safe", "threshold_logit", "threshold_fpr")}
    table = table.assign(probability=expit(logit), above_threshold=above)
    table.attrs.update({"model": ready.spec.model, "data_digest": ready.source.digest}, **facts)
    return table


def _logits(network: Network, batch: StampBatch) -> NDArray[np.float64]:
    """Logit of each stamp, NaN where it has no view."""
    image, viewer = batch.image, network.viewer
    good = np.isfinite(image).all(axis=(1, 2, 3))
    if viewer.view.normalisation == "noise":
        good &= (batch.table[_sky(viewer)].to_numpy(np.float64) > 0).all(axis=1)
    rows = np.flatnonzero(good)
    rows = rows[viewer.scalable(stamps_of_batch(_some(batch, rows), viewer)).numpy()]
    logits = np.full(len(image), np.nan)
    logits[rows] = network.logits(stamps_of_batch(_some(batch, rows), viewer))
    return logits


def _some(batch: StampBatch, rows: NDArray[np.int64]) -> StampBatch:
    return StampBatch(batch.table.iloc[rows].reset_index(drop=True), batch.image[rows], None)


def _sky(viewer: Viewer) -> list[str]:
    return [f"sky_sigma_{band}" for band in viewer.imaging.bands]


def _batches(source: DatasetSource | ForeignSource, viewer: Viewer) -> Iterator[StampBatch]:
    """All stamps with what names them, without arcs."""
    if isinstance(source, DatasetSource):
        columns = list(dict.fromkeys([*_OWN, *columns_for(viewer)]))
        for part in source.parts():
            yield read_shard(part.path, columns, arcs=False)
        return
    for foreign in [*source.parts(), *_alone(source)]:
        batch = foreign.read()
        yield replace(batch, table=batch.table.assign(row=foreign.stored, before_injection=foreign.own))


def _alone(source: ForeignSource) -> list[ForeignPart]:
    """The stamps that have no partner, which no gate looks at; on them everything is measured on the stamp itself."""
    rows = source.arranged
    left = slice(rows.n_paired, None)
    table = rows.table.iloc[left].reset_index(drop=True)
    if table.empty:
        return []
    return [ForeignPart(source.store, table, rows.stored[left], rows.own[left], False, source.facts.imaging)]


def _count(source: DatasetSource | ForeignSource) -> int:
    return len(source.dataset.table(["role"])) if isinstance(source, DatasetSource) else len(source.arranged.table)


def _lines(ready: Opened, table: pd.DataFrame) -> list[str]:
    missing = int(table["logit"].isna().sum())
    left = f"; {missing:,} of them have no score: pixels that are not finite, or no spread to divide by" if missing else ""
    rows = f"{count_of(len(table), 'row')} of {_named(ready.source)}{left}"
    lines = [*_about(ready), *_line("rows", rows)]
    if ready.threshold is not None:
        lines += _line("above it", _above(table))
    return [*lines, f"{'table':<{_INDENT}}{place(ready.out, width() - _INDENT)}"]


def _above(table: pd.DataFrame) -> str:
    """How many rows exceed the threshold, and of which label."""
    above = table["above_threshold"].fillna(False).astype(bool)
    words = {1: "positives", 0: "negatives"}
    of = [
        f"{int((above & (table['label'] == label)).sum()):,} of {int((table['label'] == label).sum()):,} {word}"
        for label, word in words.items()
        if (table["label"] == label).any()
    ]
    return f"{int(above.sum()):,} of {count_of(len(table), 'row')}" + (f": {', '.join(of)}" if of else "")


def _about(ready: Opened) -> list[str]:
    facts = ready.kept.facts
    safe = str(facts.get("safe", "not stated"))
    model = f"{facts.get('variant', 'of no stated variant')}; its training set: safe? {_SAFE.get(safe, safe)}"
    notes = [line for note in notes_of(ready.source) for line in wrapped(f"  {note}", width(), 4)]
    head = ["how the file is read, as by an audit:", *notes] if notes else []
    return [*head, *_line("model", model), *_line("threshold", _threshold(ready))]


def _threshold(ready: Opened) -> str:
    if ready.threshold is None:
        return "none is known: the common test set was too small to find one"
    fpr = ready.kept.facts.get("threshold_fpr")
    where = "" if fpr is None else f", which {100 * float(fpr):g} % of the negatives of the common test set exceed"
    return f"logit {ready.threshold:.3f} (probability {expit(ready.threshold):.3f}){where}"


def _named(source: Source) -> str:
    return f"{source.path.name[:SHOWN]}, data digest {source.digest[:SHOWN]}"


def _line(name: str, text: str) -> Sequence[str]:
    return wrapped(f"{name:<{_INDENT}}{text}", width(), _INDENT)
