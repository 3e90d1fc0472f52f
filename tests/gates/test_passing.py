"""A clean table of another maker with own controls and declared arcs passes; with any planted leak it does not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from layouts import declared_names, pairs_of

from arcgate.foreign.opening import open_source
from arcgate.gates.core.battery import run_battery
from arcgate.gates.verdict.conclude import conclude
from arcgate.injection.core_mask import radius_from

SKY = ("sky_sigma_g", "sky_sigma_r", "sky_sigma_z")
PAIRS = 1000


@pytest.fixture(scope="module")
def answered(small, built, tmp_path_factory):
    """What an audit of the arrays answers, after `change` has added light to the positives, in sky sigma."""
    spec = small("psf=moffat_converted", "view=annulus_robust", "gates=quick", "gates.reference_rows=0", f"data.n_pairs={PAIRS}",
                 "data.hosts.n_hosts=2600")  # fmt: skip
    batch = pairs_of(built("psf=moffat_converted", f"data.n_pairs={PAIRS}", "data.hosts.n_hosts=2600"))
    stamp, control, table = batch.image[::2], batch.image[1::2], batch.table.iloc[::2]
    columns = {name: np.array(table[name].tolist()) for name in (*declared_names(), *SKY)}
    radius = radius_from(columns["host_x_pix"], columns["host_y_pix"], 64)[:, None]
    sky = np.stack([columns[name] for name in SKY], axis=1)[:, :, None, None]

    def ask(change):
        light = stamp + (change(radius, np.random.default_rng(0)) * sky).astype(np.float32)
        path = tmp_path_factory.mktemp("arrays") / "set.npz"
        content = io.BytesIO()
        np.savez(
            content,
            stamps=light,
            controls=control,
            labels=np.ones(len(light), int),
            groups=table["host_id"].to_numpy(str),
            **columns,
        )
        path.write_bytes(content.getvalue())
        return conclude("key", run_battery(open_source(path), spec.view, spec.gates))

    return ask


def frame(radius, rng):
    out = np.zeros(radius.shape)
    out[..., :2, :] = out[..., -2:, :] = out[..., :2] = out[..., -2:] = 0.1
    return out


def sparse(radius, rng):
    out = np.zeros((len(radius), 3, 64, 64))
    out[rng.permutation(len(radius))[: len(radius) * 3 // 100], :, 10, 52] = 20.0
    return out


def one_row(radius, rng):
    return 0.1 * (np.arange(len(radius)) == 77)[:, None, None, None]


@pytest.mark.long
def test_a_clean_table_passes(answered):
    evidence = answered(lambda radius, rng: 0.0)
    assert evidence.safe == "passed"
    assert evidence.cause.rows_judged == PAIRS


@pytest.mark.long
@pytest.mark.parametrize(
    ("leak", "gate", "status"),
    [
        (lambda radius, rng: 0.5 * (radius < 5), "residual_core", "failed"),
        (lambda radius, rng: 0.1 * ((radius >= 8) & (radius < 19)), "residual_annulus", "failed"),
        (frame, "residual_border", "failed"),
        (lambda radius, rng: 0.5, "residual_border", "failed"),
        (lambda radius, rng: np.sqrt(0.1) * rng.standard_normal((len(radius), 3, 64, 64)), "residual_border", "failed"),
        (sparse, "tails", "failed"),
        # A row alone teaches a network nothing, and is named.
        (one_row, "declared_arc", "undetermined"),
    ],
    ids=["core", "annulus", "frame", "offset", "noise", "sparse", "one row"],
)
def test_with_a_planted_leak_it_does_not_and_the_gate_that_exists_for_it_says_so(answered, leak, gate, status):
    evidence = answered(leak)
    assert evidence.safe == ("failed" if status == "failed" else "undetermined")
    [found] = [result.status for result in evidence.results if (result.name, result.view) == (gate, "raw")]
    assert found == status
