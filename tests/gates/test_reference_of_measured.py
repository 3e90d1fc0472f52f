"""The renderer and the independent reference on the same kernels and source images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from measured_light import referring
from test_reference import row_of

from arcgate.gates.features.reference_arc import moffat_scale, reference_arc
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.injection.arcs import declared_psfs, render_arcs
from arcgate.lensing.psf import Psf

ROWS = (
    {"theta_e_arcsec": 1.3, "source_x_arcsec": 0.1, "source_y_arcsec": -0.05},
    {"theta_e_arcsec": 0.7, "lens_q": 0.6, "source_x_arcsec": -0.3, "source_y_arcsec": 0.2},
    {"theta_e_arcsec": 2.2, "source_x_arcsec": 0.02, "source_y_arcsec": 0.3},
)


@pytest.mark.parametrize("images", [True, False], ids=["images", "sersic"])
def test_the_renderer_and_the_reference_agree(tmp_path, images):
    rows = pd.DataFrame([row_of(**change) | {"host_id": "host", "source_phi_rad": 1.0 + k} for k, change in enumerate(ROWS)])
    table, references = referring(rows, DECALS, tmp_path, images)
    arcs = render_arcs(table, declared_psfs(table, DECALS, references), DECALS, references)[0]
    for arc, row in zip(arcs, table.to_dict("records"), strict=True):
        truth = reference_arc(row, DECALS, references=references)
        assert np.abs((arc - truth) / truth.max(axis=(1, 2), keepdims=True)).max() < 1e-3
        # The kernel is seen as it lies, not mirrored or turned: the Moffat that fits it best is far off.
        moffats = [tuple(Psf("moffat", float(row[f"psfsize_{band}"]), float(row[f"psf_beta_declared_{band}"])) for band in "grz")]
        other = render_arcs(pd.DataFrame([row]), moffats, DECALS, references)[0][0]
        assert np.abs((other - truth) / truth.max(axis=(1, 2), keepdims=True)).max() > 0.02


def test_a_sampled_moffat_is_the_moffat(tmp_path):
    """A kernel that is a Moffat's samples gives what the reference makes of its numbers, but for the wings that end."""
    row = row_of(theta_e_arcsec=1.1)
    _table, _references = referring(pd.DataFrame([row]), DECALS, tmp_path, images=False)
    alpha, beta = moffat_scale(row["psfsize_r"], row["psf_beta_declared_r"])
    fwhm = 2.0 * alpha * np.sqrt(2.0 ** (1.0 / beta) - 1.0)
    sampled = Psf("moffat", fwhm, beta).on(97, DECALS.pixel_scale_arcsec)
    truth = reference_arc(row, DECALS)[1]
    table_of_one = pd.read_parquet(tmp_path / "psfs.parquet").iloc[:1]
    # The same arc with a kernel of another name: the reference takes it from the table.
    from arcgate.dataset.references import kernel_row, write_references
    from arcgate.lensing.psf import Kernel

    made = kernel_row(Kernel(sampled), "r", DECALS.pixel_scale_arcsec, (fwhm, beta), "sampled")
    folder = tmp_path / "sampled"
    folder.mkdir()
    again = write_references(folder, pd.DataFrame([made]).astype(table_of_one.dtypes.to_dict()), None)
    found = reference_arc(row | {"kernel_declared_r": made["name"]}, DECALS, references=again)[1]
    assert np.abs(found * sampled.sum() - truth).max() / truth.max() < 1e-3


def test_what_is_missing_is_named(tmp_path):
    table, references = referring(pd.DataFrame([row_of()]), DECALS, tmp_path)
    row = table.iloc[0].to_dict()
    with pytest.raises(ArcgateError, match="has no kernel gone"):
        reference_arc(row | {"kernel_declared_g": "gone"}, DECALS, references=references)
    with pytest.raises(ArcgateError, match="has no source image gone"):
        reference_arc(row | {"source_image": "gone"}, DECALS, references=references)
    with pytest.raises(ArcgateError, match="no table of them is at hand"):
        reference_arc(row, DECALS)
