"""Lists of known lenses: the published ones, odd names and angles, and lists that are refused rather than half read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from composing import REAL, needs_real
from hypothesis import given
from hypothesis import strategies as st
from sweep_files import spec_of, sweep_rows, write_survey

from arcgate.ground.errors import ArcgateError
from arcgate.ground.sphere import chord_of, unit_vectors
from arcgate.survey.catalogue.card import read_card
from arcgate.survey.catalogue.lens_list import read_lens_list
from arcgate.survey.catalogue.making import make_parents

CATALOGUES = REAL / "catalogs"
# Published lists: their lenses, and a line of each as it stands there.
PUBLISHED = {
    "lenscat_catalog.csv": (32_838, (2.83435, -8.7643)),
    "inchausti2025_candidates.tsv": (811, (2.927494, -15.391237)),
    "stein2022_new_lenses.tsv": (1192, (79.97972, -31.81833)),
    "stein2022_training_lenses.tsv": (1615, (17.48153, 4.160626)),
}


def positions(path: Path) -> SkyCoord:
    found = read_lens_list(path)
    return SkyCoord(found.ra_deg, found.dec_deg, unit="deg")


@needs_real
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_lists_are_read_whole(name):
    count, first = PUBLISHED[name]
    found = positions(CATALOGUES / name)
    assert len(found) == count
    assert found[0].separation(SkyCoord(*first, unit="deg")) < 1e-3 * units.arcsec


@needs_real
def test_galaxies_near_known_lenses_are_taken_away_and_counted_by_list(tmp_path):
    rows = sweep_rows(2 * len(PUBLISHED) + 1)
    for number, (_, (ra, dec)) in enumerate(PUBLISHED.values()):
        rows["RA"][2 * number : 2 * number + 2] = ra
        rows["DEC"][2 * number : 2 * number + 2] = dec + np.array([4.9, 5.1]) / 3600.0
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    lists = [str(CATALOGUES / name) for name in PUBLISHED]
    card = read_card(make_parents(spec_of(root, f"known_lenses={lists}")))
    removed = {Path(one["path"]).name: one["removed"] for one in card["known_lenses"]}
    # Of each list one; later lists find only what earlier ones left.
    assert sum(removed.values()) == card["cut_flow"][-6]["left"] - card["rows"] == len(PUBLISHED)
    assert card["rows"] == len(PUBLISHED) + 1
    assert [step["cut"] for step in card["cut_flow"][-5:-1]] == [f"no lens of {name} within 5 arcsec" for name in PUBLISHED]
    wider = read_card(make_parents(spec_of(root, f"known_lenses={lists}", "lens_radius_arcsec=5.2")))
    assert wider["rows"] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", "ra,dec\n187.5,-12.25\n"),
        ("units.csv", "Name, RA [deg], Dec (J2000)\nA,187.5,-12.25\n"),
        ("tabs.tsv", "id\tRAJ2000\tDEJ2000\n1\t187.5\t-12.25\n"),
        ("blanks.txt", "# from a paper\nname   ra_deg  dec_deg\nA 187.5   -12.25\n"),
        ("hours.csv", "ra,dec\n12:30:00.0,-12:15:00\n"),
        ("words.csv", "Right Ascension,Declination\n12h30m00s,-12d15m00s\n"),
        ("blanks.csv", "_RAJ2000,_DEJ2000\n12 30 00,-12 15 00\n"),
        ("turned.csv", "target_ra,target_dec\n-172.5,-12.25\n"),
    ],
)
def test_names_and_angles_of_all_kinds(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    (found,) = positions(path)
    assert found.separation(SkyCoord(187.5, -12.25, unit="deg")) < 1e-6 * units.arcsec


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz", ".parquet"])
def test_tables_of_fits_and_parquet(tmp_path, suffix):
    path = tmp_path / f"lenses{suffix}"
    if suffix == ".parquet":
        pd.DataFrame({"ra": [187.5], "dec": [-12.25]}).to_parquet(path)
    else:
        kinds = [("RA", ">f4"), ("DEC", ">f8"), ("NAME", "S3"), ("FLUX", ">f4", (3,))]
        fits.BinTableHDU(np.rec.array(np.array([(187.5, -12.25, b"A", [1, 2, 3])], dtype=kinds))).writeto(path)
    (found,) = positions(path)
    assert found.separation(SkyCoord(187.5, -12.25, unit="deg")) < 1e-6 * units.arcsec


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.csv", None, "there is no list of known lenses none.csv"),
        ("names.csv", "name,x,y\nA,1,2\n", "has no column ra, target_ra, ra_deg"),
        ("half.csv", "name,ra,y\nA,1,2\n", "has no column dec, target_dec"),
        ("empty.csv", "ra,dec\n", "lists no lens"),
        ("nothing.csv", "", "nothing.csv is empty: it does not hold a single byte"),
        ("nothing.fits", "", "nothing.fits is empty"),
        ("semicolons.csv", "ra;dec\n1,5;2,5\n", "the columns of semicolons.csv are parted by semicolons, sought are commas"),
        ("commas.tsv", "ra,dec\n1,2\n", "the columns of commas.tsv are parted by commas, sought are tabs"),
        ("packed.csv", gzip.compress(b"ra,dec\n1,2\n", mtime=0), "packed.csv is compressed (gzip) under a plain name"),
        ("packed.txt", gzip.compress(b"ra dec\n1 2\n", mtime=0), "packed.txt is compressed (gzip) under a plain name"),
        ("kind.xlsx", "ra,dec\n1,2\n", "ends in .xlsx, and lists of known lenses are .csv, .tsv"),
        ("broken.fits", "ra,dec\n1,2\n", "cannot be read: "),
        ("broken.parquet", "ra,dec\n1,2\n", "cannot be read: "),
        ("ragged.csv", "ra,dec\n1,2\n1,2,3,4,5\n1,2,3\n", "cannot be read: "),
        ("bytes.csv", b"ra,dec\n1,\xff\xfe\n", "cannot be read: "),
        ("gap.csv", "ra,dec\n1,2\n,3\n", "ra is nan, which is no place on the sky, in 1 of 2 rows"),
        ("outside.csv", "ra,dec\n1,2\n3,91\n", "dec is 91, which is no place on the sky, in 1 of 2 rows"),
        ("word.csv", "ra,dec\nunknown,2\n", "ra of word.csv holds what is no angle"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_sweep_is_read(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": sweep_rows(3)})
    with pytest.raises(ArcgateError) as error:
        make_parents(spec_of(root, f"known_lenses=['{path}']"))
    assert says in error.value.what
    assert str(path) in str(error.value.where)
    assert error.value.todo
    assert not (tmp_path / "data").exists()


def test_a_folder_of_lists_is_refused_in_words(tmp_path):
    (tmp_path / "lists").mkdir()
    with pytest.raises(ArcgateError, match="lists is a folder, and known_lenses names files, each a list") as error:
        read_lens_list(tmp_path / "lists")
    assert error.value.todo == "name each list in it: known_lenses=[lists/<list>.csv,...]"


@given(st.floats(0.0, 360.0), st.floats(-90.0, 90.0), st.floats(0.0, 360.0), st.floats(0.1, 20.0), st.floats(0.5, 10.0))
def test_near_is_astropys_separation(tmp_path_factory, ra, dec, angle, distance, radius):
    """At the poles and at right ascension 0 as elsewhere."""
    centre = SkyCoord(ra, dec, unit="deg")
    other = centre.directional_offset_by(angle * units.deg, distance * units.arcsec)
    path = tmp_path_factory.mktemp("list") / "lens.csv"
    pd.DataFrame({"ra": [ra], "dec": [dec]}).to_csv(path, index=False)
    (near,) = read_lens_list(path).near(np.array([other.ra.deg]), np.array([other.dec.deg]), radius)
    separation = centre.separation(other).arcsec
    assert near == (separation < radius) or abs(separation - radius) < 1e-6


def test_a_galaxy_without_a_position_is_near_no_lens(tmp_path):
    """A selection of one's own may let such galaxies through."""
    rows = sweep_rows(4)
    rows["RA"][1], rows["DEC"][2] = np.nan, np.nan
    (tmp_path / "lens.csv").write_text(f"ra,dec\n{rows['RA'][0]},{rows['DEC'][0]}\n")
    root = write_survey(tmp_path / "dr10", {"150p020-155p025": rows})
    without = ("~selection.cuts.position", "~selection.cuts.declination", f"known_lenses=[{tmp_path / 'lens.csv'}]")
    card = read_card(make_parents(spec_of(root, *without)))
    assert [one["removed"] for one in card["known_lenses"]] == [1]
    assert card["rows"] == 3


def test_chords_are_those_of_angles():
    one, other = SkyCoord([10.0], [89.9], unit="deg"), SkyCoord([200.0], [89.8], unit="deg")
    points = [unit_vectors(at.ra.deg, at.dec.deg)[0] for at in (one, other)]
    np.testing.assert_allclose(np.linalg.norm(points[0] - points[1]), chord_of(float(one.separation(other).arcsec[0])), rtol=1e-9)
