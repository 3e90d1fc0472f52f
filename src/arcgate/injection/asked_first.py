"""What a data set asks of its galaxies before any is cut out, asked without cutting: errors are those of building it."""

from __future__ import annotations

from arcgate.data_node import Data
from arcgate.injection.candidates import Candidates, may_carry_arcs
from arcgate.injection.matching import matched_columns
from arcgate.survey.foreseen import Foreseen


def require_choosable(data: Data, known: Foreseen) -> None:
    """Refuse a data set that cannot be chosen from what is known of its galaxies.

    Parameters
    ----------
    data : Data
        Specification of the data set.
    known : Foreseen
        Of its galaxies; where that is not all of them, columns and their number alone are asked for.

    Raises
    ------
    ArcgateError
        Controls are matched on, or hosts chosen by, what the catalogue does not have; or there are too few galaxies.
    """
    columns, _ = data.controls.in_bands(data.imaging.bands)
    if not known.whole:
        may_carry_arcs(data, known.catalogue)
        if not data.controls.paired:
            matched_columns(columns, known.catalogue, data.imaging)
        if -(-data.n_pairs // data.injections_per_host) > known.count:
            from arcgate.injection.pairs import too_few

            raise too_few(data, f"there are {known.count}", known.left_out)
        return
    # They import torch, which takes seconds, and whoever knows no more than columns is spared.
    from arcgate.injection.entry import declared_depths
    from arcgate.injection.pairs import check_splits, first_positives

    candidates = Candidates(data, known.catalogue)
    pairs = first_positives(candidates, known.left_out)
    if not data.controls.paired:
        matched_columns(columns, known.catalogue, data.imaging)
    if data.entry.least_arc_snr > 0:
        declared_depths(known.catalogue.iloc[pairs.host], data.imaging)
    check_splits(candidates, pairs, known.left_out)
