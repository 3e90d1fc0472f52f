"""The imaging of other people's stamps: stated in the file or on the command line, checked, and used for what is measured."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layouts import arrays_of, blob, declared_names, hwc, paired_rows, pairs_of, write_arrays, write_rows

from arcgate.foreign.opening import notes_of, open_source
from arcgate.foreign.recorded import CENTRE
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.injection.arcs import declared_psfs, render_arcs

SCALE = 0.3
# Those that say how arcs look; others are measured.
LENGTHS = (
    *("theta_e_arcsec", "source_reff_arcsec", "source_x_arcsec", "source_y_arcsec"),
    *(f"{stem}_{band}" for stem in ("psfsize", "psf_fwhm_used") for band in DECALS.bands),
)
HSC = Imaging(("g", "r", "i"), "r", 101, 0.168)
VIS = Imaging(("vis",), "vis", 200, 0.1)
N = 6


@pytest.fixture(scope="module")
def paired(built):
    return built("psf=moffat_converted", "data.n_pairs=20")


@pytest.fixture(scope="module")
def larger(paired):
    """What the maker of the same stamps declares whose pixels are 0.3 arcsec."""
    table = pairs_of(paired).table.iloc[::2].reset_index(drop=True)
    rows = paired_rows(paired).assign(**{name: table[name] for name in declared_names()})
    return rows.assign(**{name: rows[name] * SCALE / 0.262 for name in LENGTHS if name in rows})


def stamps_of(imaging: Imaging, bands_last: bool = False) -> dict[str, np.ndarray]:
    """Galaxies 2 px wide, 1.5 and -2.25 px off the middle, each with an arc and without, in noise of 0.01, 0.02, ... by band."""
    rng, pixel = np.random.default_rng(0), np.arange(imaging.size_pix)
    x, y = imaging.middle_pix + 1.5, imaging.middle_pix - 2.25
    galaxy = np.exp(-0.125 * ((pixel[None, :] - x) ** 2 + (pixel[:, None] - y) ** 2))
    noise = 0.01 * np.arange(1, len(imaging.bands) + 1)[:, None, None]
    control = (galaxy + noise * rng.normal(size=(N, *imaging.shape))).astype(np.float32)
    positive = control.copy()
    positive[:, :, :9, :9] += np.float32(1.0)
    stamps = np.stack([positive, control], axis=1).reshape(2 * N, *imaging.shape)
    stamps = np.moveaxis(stamps, 1, -1) if bands_last else stamps
    return {"stamps": stamps, "labels": np.tile([1, 0], N), "groups": np.repeat(np.arange(N), 2)}


def stating(imaging: Imaging) -> dict[str, np.ndarray]:
    return {
        "bands": np.array(imaging.bands),
        "reference_band": np.array(imaging.reference_band),
        "pixel_scale_arcsec": np.array(imaging.pixel_scale_arcsec),
    }


def missed(source, paired):
    """Largest difference between stored and predicted arcs, in units of the brightest pixel."""
    positive = pd.concat([part.read().table for part in source.parts()]).query("role == 'positive'").reset_index(drop=True)
    stored, imaging = pairs_of(paired).arc[::2], source.facts.imaging
    return np.abs(render_arcs(positive, declared_psfs(positive, imaging), imaging)[0] - stored).max() / stored.max()


def test_with_a_stated_scale_declared_arcs_match(paired, larger, tmp_path):
    unstated = open_source(write_rows(larger, tmp_path / "unstated.parquet"))
    stated = open_source(write_rows(larger.assign(Pixel_Scale_Arcsec=SCALE), tmp_path / "stated.parquet"))
    assert unstated.facts.declared
    assert stated.facts.declared
    assert unstated.facts.imaging == DECALS
    assert stated.facts.imaging == Imaging(DECALS.bands, "r", 64, SCALE)
    assert missed(unstated, paired) > 0.05
    assert missed(stated, paired) < 1e-4
    # Lengths stay in the maker's arcsec.
    assert stated.table(["theta_e_arcsec", "psfsize_r"]).equals(unstated.table(["theta_e_arcsec", "psfsize_r"]))
    assert any("bands as g, r, z are taken, as in DECaLS" in note for note in notes_of(stated))
    assert any("bands as g, r, z and pixels as 0.262 arcsec are taken" in note for note in notes_of(unstated))
    own = open_source(write_rows(larger.assign(pixel_scale_arcsec=0.262), tmp_path / "own.parquet"))
    assert own.facts.imaging == DECALS
    assert own.digest != stated.digest


def test_the_schema_of_a_file_may_state_it(larger, tmp_path):
    table = pa.Table.from_pandas(larger, preserve_index=False)
    said = {"pixel_scale_arcsec": str(SCALE), "bands": '["g", "r", "z"]', "reference_band": "z"}
    pq.write_table(table.replace_schema_metadata(said), tmp_path / "set.parquet")
    source = open_source(tmp_path / "set.parquet")
    assert source.facts.imaging == Imaging(("g", "r", "z"), "z", 64, SCALE)
    assert not any("no imaging is stated" in note for note in notes_of(source))
    for words, says in (("wide", r"is wide.*metadata of the schema"), ("0.001", "no pixel scale of 0.02 to 3 arcsec")):
        pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": words}), tmp_path / "set.parquet")
        with pytest.raises(ArcgateError, match=rf"(?s){says}"):
            open_source(tmp_path / "set.parquet")


@pytest.mark.parametrize("words", ["grz", "g,r,z", "g r z", '["G", "R", "Z"]', '"grz"'])
def test_bands_are_words_or_letters(larger, tmp_path, words):
    table = pa.Table.from_pandas(larger, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"bands": words}), tmp_path / "set.parquet")
    source = open_source(tmp_path / "set.parquet")
    assert source.facts.imaging == DECALS
    assert any(note == "no imaging is stated: pixels as 0.262 arcsec are taken, as in DECaLS" for note in notes_of(source))


def test_files_of_a_folder_must_agree(larger, tmp_path):
    table = pa.Table.from_pandas(larger, preserve_index=False)
    (tmp_path / "set").mkdir()
    for name, bands in (("a", "grz"), ("b", "zrg")):
        pq.write_table(table.replace_schema_metadata({"bands": bands}), tmp_path / "set" / f"{name}.parquet")
    with pytest.raises(ArcgateError, match="bands differ between files"):
        open_source(tmp_path / "set")


def test_column_and_metadata_must_agree(larger, tmp_path):
    table = pa.Table.from_pandas(larger.assign(pixel_scale_arcsec=np.float32(SCALE)), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": str(SCALE)}), tmp_path / "set.parquet")
    assert open_source(tmp_path / "set.parquet").facts.imaging.pixel_scale_arcsec == pytest.approx(SCALE)
    pq.write_table(table.replace_schema_metadata({"pixel_scale_arcsec": "0.263"}), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError, match=r"(?s)is 0\.3 in the column and 0\.263 in the metadata.*set\.parquet, row 0"):
        open_source(tmp_path / "set.parquet")


@pytest.mark.parametrize("scale", [np.float64(SCALE), np.full(1, SCALE), np.full(40, SCALE), np.full(40, SCALE, ">f4")])
def test_arrays_may_state_the_scale_once_or_for_each_stamp(paired, tmp_path, scale):
    arrays = {**arrays_of(paired), "psfsize_r": np.full(40, 1.3)}
    source = open_source(write_arrays({**arrays, "pixel_scale_arcsec": scale}, tmp_path / "set.npz"))
    assert source.facts.imaging.pixel_scale_arcsec == pytest.approx(SCALE)
    assert source.table(["psfsize_r"])["psfsize_r"].eq(1.3).all()
    other = open_source(write_arrays({**arrays, "pixel_scale_arcsec": scale * 1.01}, tmp_path / "other.npz"))
    assert other.digest != source.digest


@pytest.mark.parametrize(
    ("scale", "says"),
    [
        (0.262 / 3600, "no pixel scale of 0.02 to 3 arcsec"),
        (np.nan, "no pixel scale"),
        ("wide", "no pixel scale"),
        (np.where(np.arange(20) == 3, 0.263, 0.262), "is 0.263, which differs from the 0.262.*row 3"),
    ],
)
def test_other_scales_are_refused(larger, tmp_path, scale, says):
    with pytest.raises(ArcgateError, match=rf"(?s){says}"):
        open_source(write_rows(larger.assign(pixel_scale_arcsec=scale), tmp_path / "set.parquet"))


@pytest.mark.parametrize("bands_last", [True, False])
@pytest.mark.parametrize("imaging", [HSC, VIS])
def test_arrays_of_other_surveys_by_the_command_line_and_by_the_file(tmp_path, imaging, bands_last):
    arrays = stamps_of(imaging, bands_last)
    given = open_source(write_arrays(arrays, tmp_path / "given.npz"), imaging)
    stated = open_source(write_arrays({**arrays, **stating(imaging)}, tmp_path / "stated.npz"))
    again = open_source(tmp_path / "stated.npz", imaging)
    for source in (given, stated, again):
        assert source.facts.imaging == imaging
        assert not any("imaging is stated" in note or "bands" in note for note in notes_of(source))
        (part,) = source.parts()
        read = part.read()
        np.testing.assert_array_equal(read.image, stamps_of(imaging)["stamps"])
        # The middle of odd stamps is a pixel; x and y exchanged would be off by 3.75 px.
        np.testing.assert_allclose(read.table["host_x_pix"], imaging.middle_pix + 1.5, atol=0.1)
        np.testing.assert_allclose(read.table["host_y_pix"], imaging.middle_pix - 2.25, atol=0.1)
        for number, band in enumerate(imaging.bands):
            np.testing.assert_allclose(read.table[f"sky_sigma_{band}"], 0.01 * (number + 1), rtol=0.1)
        assert "sky_sigma_z" not in source.facts.columns
    assert stated.digest == again.digest


def test_a_table_of_another_survey(tmp_path):
    arrays = stamps_of(HSC)
    cells = {"stamp_npz": [blob(hwc(stamp)) for stamp in arrays["stamps"]], "is_control": 1 - arrays["labels"]}
    rows = pd.DataFrame({**cells, "host_id": arrays["groups"].astype(str), "host_mag_i": 19.5, "host_mag_z": 19.0})
    given = open_source(write_rows(rows, tmp_path / "given.parquet"), HSC)
    said = {"bands": "gri", "pixel_scale_arcsec": "0.168"}
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(said), tmp_path / "stated.parquet")
    for source in (given, open_source(tmp_path / "stated.parquet")):
        assert source.facts.imaging == HSC
        np.testing.assert_array_equal(source.parts()[0].read().image, arrays["stamps"])
        # A band that the imaging lacks is none of the schema's.
        assert "host_mag_i" in source.facts.columns
        assert "host_mag_z" not in source.facts.columns


def test_a_plane_of_one_band_may_be_an_array_of_its_name(tmp_path):
    arrays = stamps_of(VIS)

    def cells(name):

        out = []
        for stamp in arrays["stamps"]:
            file = io.BytesIO()
            np.savez(file, **{name: stamp[0]})
            out.append(file.getvalue())
        return pd.DataFrame({"stamp_npz": out, "is_control": 1 - arrays["labels"], "host_id": arrays["groups"].astype(str)})

    source = open_source(write_rows(cells("image_vis"), tmp_path / "vis.parquet"), VIS)
    np.testing.assert_array_equal(source.parts()[0].read().image, arrays["stamps"])
    with pytest.raises(ArcgateError, match=r"(?s)called image_vis; found is image_y.*row 0, column stamp_npz"):
        open_source(write_rows(cells("image_y"), tmp_path / "y.parquet"), VIS)


def test_the_command_line_is_part_of_what_is_judged(tmp_path):
    path = write_arrays(stamps_of(HSC), tmp_path / "set.npz")
    finer = Imaging(HSC.bands, "r", 101, 0.17)
    assert len({open_source(path, imaging).digest for imaging in (HSC, finer)}) == 2


@pytest.mark.parametrize("imaging", [HSC, VIS, Imaging(("g", "r", "z"), "r", 101, 0.262)])
def test_other_shapes_ask_for_an_imaging_where_none_is_stated(tmp_path, imaging):
    path = write_arrays(stamps_of(imaging), tmp_path / "set.npz")
    says = rf"(?s)stamps are of shape \({len(imaging.bands)}, {imaging.size_pix}, {imaging.size_pix}\).*64 x 64 pixels in g, r, z"
    with pytest.raises(ArcgateError, match=rf"{says}.*set\.npz.*imaging=hsc_gri.*bands, reference_band and pixel_scale_arcsec"):
        open_source(path)
    rows = pd.DataFrame({"stamp_npz": [blob(stamp) for stamp in stamps_of(imaging)["stamps"]], "is_control": [0, 1] * N})
    table = write_rows(rows.assign(host_id=np.repeat(list("abcdef"), 2)), tmp_path / "set.parquet")
    with pytest.raises(ArcgateError, match=rf"{says}.*set\.parquet, row 0, column stamp_npz.*imaging=hsc_gri"):
        open_source(table)


@pytest.mark.parametrize(
    ("stated", "given", "says"),
    [
        ({"pixel_scale_arcsec": 0.17}, HSC, r"is 0\.17 in the file and 0\.168 in the imaging of the command line"),
        ({"bands": ["g", "i", "r"]}, HSC, "file's bands are g, i, r, the imaging of the command line has g, r, i"),
        ({"bands": ["g", "r"]}, HSC, "file's bands are g, r, the imaging"),
        ({"reference_band": "i"}, HSC, "reference_band is i in the file and r in the imaging"),
        ({}, DECALS, r"shape \(3, 101, 101\), the imaging has 64 x 64 pixels in g, r, z"),
        ({}, VIS, r"shape \(3, 101, 101\), the imaging has 200 x 200 pixels in vis"),
        ({"bands": ["g", "r", "i"]}, None, "bands are g, r, i, but no pixel_scale_arcsec is stated"),
        ({"bands": ["g", "r"], "pixel_scale_arcsec": 0.168}, None, r"shape \(3, 101, 101\).*101 x 101 pixels in g, r"),
        ({"bands": ["g", "r", "i"], "pixel_scale_arcsec": 0.168, "reference_band": "z"}, None, "the reference band is one of"),
        ({"bands": ["g", "g", "i"], "pixel_scale_arcsec": 0.168}, None, "bands are different names"),
        ({"bands": np.array([{}], dtype=object)}, HSC, "pickled.*array bands"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, stated, given, says):
    path = write_arrays({**stamps_of(HSC), **stated}, tmp_path / "set.npz")
    with pytest.raises(ArcgateError, match=rf"(?s){says}") as refused:
        open_source(path, given)
    assert "set.npz" in str(refused.value.where)
    assert refused.value.todo


def test_a_scale_that_differs_by_digits_is_the_same(tmp_path):
    path = write_arrays({**stamps_of(HSC), "pixel_scale_arcsec": np.float32(0.168)}, tmp_path / "set.npz")
    assert open_source(path, HSC).facts.imaging == HSC


def test_bands_as_bytes_are_words(tmp_path):
    said = {"bands": np.array([b"G", b"R", b"I"]), "pixel_scale_arcsec": 0.168}
    assert open_source(write_arrays({**stamps_of(HSC), **said}, tmp_path / "set.npz")).facts.imaging == HSC


def test_a_data_set_of_arcgate_states_its_own(paired):
    assert open_source(paired.path, DECALS).facts.imaging == DECALS
    with pytest.raises(ArcgateError, match=r"(?s)101 x 101 pixels.*that of the data set is .*64 x 64 pixels.*leave imaging out"):
        open_source(paired.path, HSC)


def test_what_was_measured_on_arcs_is_known(built, paired, tmp_path):
    unpaired = built("controls=unpaired", "data.n_pairs=20")
    arrays = arrays_of(unpaired)
    measured = {*CENTRE, "sky_sigma_g", "sky_sigma_r", "sky_sigma_z"}
    assert open_source(write_arrays(arrays, tmp_path / "set.npz")).facts.measured_on_arcs == measured
    with_centres = {**arrays, "x": np.full(40, 31.5), "y": np.full(40, 31.5)}
    assert open_source(write_arrays(with_centres, tmp_path / "xy.npz")).facts.measured_on_arcs == measured - {*CENTRE}
    assert open_source(write_arrays(arrays_of(paired), tmp_path / "own.npz")).facts.measured_on_arcs == frozenset()
