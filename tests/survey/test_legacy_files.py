"""Files of bricks that are missing, damaged, or not what they are called: each is named, with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from brick_files import SmallBrick, legacy_hosts, slipped, write_survey

from arcgate.ground.engine import Local
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS
from arcgate.survey.hosts import Hosts, count_kept, cut_out, try_again
from arcgate.survey.legacy.layout import SurveyFolder
from arcgate.survey.legacy.parents import MISSING_FILES, LegacyFiles, LegacyParents
from arcgate.survey.legacy.planes import open_plane, whole_is_cheaper
from arcgate.survey.native import OVER_THE_EDGE
from arcgate.survey.places import ABSURD, DAMAGED

NAME = "0500m300"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bricks."""
    root = tmp_path_factory.mktemp("sound")
    bricks = [SmallBrick(places=[(200.3, 150.7), (300.2, 310.4)]), SmallBrick("0503m300", ra=50.3, places=[(120.2, 120.2)])]
    write_survey(root, bricks)
    return root


@pytest.fixture
def survey(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(sound, tmp_path / "survey"))


def image_of(survey: Path, kind: str = "image", band: str | None = "r") -> Path:
    """A file of the first brick."""
    return SurveyFolder(survey, "south").coadd(NAME, kind, band)


def cut(survey: Path, tmp_path: Path, **changes: object) -> dict[str, int]:
    """Cut everything out: what was left out."""
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(survey, **changes), DECALS), tmp_path / "hosts" / "digest")
    rows = np.arange(len(parents.catalogue))
    hosts = cut_out(parents, rows, data_dir=tmp_path / "data", engine=Local())
    return parents.left_out | hosts.left_out


def shortened(path: Path) -> None:
    """As a conversion of text does: some bytes are gone."""
    path.write_bytes(path.read_bytes()[:-70])


def lengthened(path: Path) -> None:
    """Something was appended."""
    path.write_bytes(path.read_bytes() + bytes(2880))


def no_fits(path: Path) -> None:
    """A server's message instead of a file."""
    path.write_text("<html>404</html>")


def absurd(path: Path) -> None:
    """A sound header and first rows, then anything."""
    with fits.open(path) as file:
        pixels, header = file[1].data.copy(), file[1].header
    pixels[140:] = 3e38
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, header, compression_type="GZIP_1", quantize_level=0)]).writeto(
        path, overwrite=True
    )


def unpacked(path: Path) -> None:
    """Not compressed, whatever its name says."""
    with fits.open(path) as file:
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(file[1].data, file[1].header)]).writeto(path, overwrite=True)


def of_header(**keys: object) -> Callable[[Path], None]:
    """Other words in the header."""

    def change(path: Path) -> None:
        with fits.open(path) as file:
            pixels, header = file[1].data, file[1].header
            header.update(keys)
            fits.CompImageHDU(pixels, header, tile_shape=(100, 100)).writeto(path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    return change


def empty(path: Path) -> None:
    """A file without an image."""
    fits.HDUList([fits.PrimaryHDU()]).writeto(path, overwrite=True)


def twice(path: Path) -> None:
    """Two images, neither of which says what it shows."""
    parts = [fits.CompImageHDU(np.zeros((400, 400), np.float32)) for _ in range(2)]
    fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(path, overwrite=True)


def smaller(path: Path) -> None:
    """Of another shape than the brick's others."""
    with fits.open(path) as file:
        fits.CompImageHDU(file[1].data[:, :300], file[1].header).writeto(path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def of_card(old: bytes, new: bytes) -> Callable[[Path], None]:
    """Letters of a header that were changed on the way."""

    def change(path: Path) -> None:
        content = path.read_bytes()
        assert content.count(old) == 1
        path.write_bytes(content.replace(old, new))

    return change


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, r"sought is legacysurvey-0500m300-image-r.fits.fz; there is .*-image-g.fits.fz, .*-image-z.fits.fz"),
    "short": (shortened, r"legacysurvey-0500m300-image-r.fits.fz is not a sound FITS file: File may have been truncated"),
    "long": (lengthened, r"image-r.fits.fz (has \d+ bytes, its headers speak of \d+|is not a sound FITS file)"),
    "no fits": (no_fits, r"image-r.fits.fz is not a sound FITS file"),
    "absurd": (absurd, r"image-r.fits.fz holds pixels of 3e\+38; nothing on the sky is beyond 1e\+06"),
    "unpacked": (unpacked, r"image-r.fits.fz is compressed by its name, and its image is not"),
    "slipped": (slipped, r"legacysurvey-0500m300-image-r.fits.fz is damaged: .*decompress"),
    "lost word": (of_card(b"ZBITPIX =", b"ZBIT#IX ="), r"image-r.fits.fz is not a sound FITS file: .*ZBITPIX"),
    "no card": (of_card(b"BUNIT   = 'nano", b"BUNIT   = #nano"), r"image-r.fits.fz is not a sound FITS file: Unparsable card"),
    "other brick": (of_header(BRICKNAM="0001p000"), r"image-r.fits.fz is of brick 0001p000, sought is 0500m300"),
    "other kind": (of_header(IMTYPE="model"), r"image-r.fits.fz shows model, sought is image"),
    "empty": (empty, r"image-r.fits.fz holds 0 images of the kind image, sought is one; its parts are empty"),
    "twice": (twice, r"image-r.fits.fz holds 2 images of the kind image, sought is one"),
    "shape": (smaller, r"image-r.fits.fz has \(400, 300\) pixels, the brick's first image \(400, 400\)"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_and_nothing_is_left_half_written(survey: Path, tmp_path: Path, name: str) -> None:
    damage, words = DAMAGES[name]
    damage(image_of(survey))
    with pytest.raises(ArcgateError, match=words) as caught:
        cut(survey, tmp_path)
    assert caught.value.todo
    assert NAME in str(caught.value.where)
    assert not list((tmp_path / "data").rglob("place-00000*"))


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_brick_can_be_left_out_and_counted(survey: Path, tmp_path: Path, name: str) -> None:
    DAMAGES[name][0](image_of(survey))
    # Numbers that no survey has are judged stamp by stamp: what is left out does not depend on what else is cut.
    assert cut(survey, tmp_path, missing_bricks="leave_out") == {ABSURD if name == "absurd" else DAMAGED: 2}


def test_a_brick_that_was_repaired_is_found_again(survey: Path, sound: Path, tmp_path: Path) -> None:
    """Name, size and the survey's checksum are the same before and after."""

    def found() -> Hosts:
        parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(survey, missing_bricks="leave_out"), DECALS), tmp_path)
        try_again(parents, data_dir=tmp_path, engine=Local())
        return cut_out(parents, np.arange(3), data_dir=tmp_path, engine=Local())

    path = image_of(survey)
    slipped(path)
    lost = found()
    assert lost.unusable.tolist() == [0, 1]
    # It is looked at again, and nothing is kept twice.
    assert found().unusable.tolist() == [0, 1]
    kept = lost.cutouts(np.array([2]))
    shutil.copy(image_of(sound), path)
    again = found()
    assert again.folder == lost.folder
    assert count_kept(again.folder) == 3
    assert not len(again.unusable)
    assert np.array_equal(again.cutouts(np.array([2])), kept)
    assert again.digest(np.arange(3)) == cut_all(sound, tmp_path / "sound").digest(np.arange(3))


def cut_all(survey: Path, folder: Path) -> Hosts:
    """All galaxies of a survey."""
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(survey), DECALS), folder)
    return cut_out(parents, np.arange(3), data_dir=folder, engine=Local())


FOREIGN: dict[str, tuple[Callable[[Path], None], str]] = {
    "unit": (of_header(BUNIT="uJy"), r"image-r.fits.fz has BUNIT 'uJy', sought is nanomaggy"),
    "zero point": (of_header(MAGZERO=30.0), r"image-r.fits.fz has MAGZERO 30.0, sought is 22.5"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_unit_is_no_damage(survey: Path, tmp_path: Path, name: str) -> None:
    change, words = FOREIGN[name]
    change(image_of(survey))
    with pytest.raises(ArcgateError, match=words) as caught:
        cut(survey, tmp_path, missing_bricks="leave_out")
    assert "hosts=pack" in str(caught.value.todo)


def test_pc_and_cdelt_say_what_cd_does(survey: Path, tmp_path: Path) -> None:
    def rewritten(path: Path) -> None:
        with fits.open(path) as file:
            pixels, header = file[1].data, file[1].header
            for axis, size in ((1, header["CD1_1"]), (2, header["CD2_2"])):
                header[f"CDELT{axis}"], header[f"PC{axis}_{axis}"] = size, 1.0
            for key in ("CD1_1", "CD1_2", "CD2_1", "CD2_2"):
                del header[key]
            fits.CompImageHDU(pixels, header).writeto(path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    before = cut_places(survey, tmp_path / "before")
    rewritten(image_of(survey, band="g"))
    assert cut_places(survey, tmp_path / "after") == pytest.approx(before, abs=1e-9)


def cut_places(survey: Path, folder: Path) -> list[float]:
    """Centres of the galaxies in their stamps."""
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(survey), DECALS), folder)
    measured, _ = cut_out(parents, np.arange(3), data_dir=folder, engine=Local()).of(np.arange(3)).read()
    return measured[["host_x_pix", "host_y_pix"]].to_numpy().ravel().tolist()


GEOMETRIES: dict[str, tuple[dict[str, object], str]] = {
    "scale": ({"CD1_1": -0.4 / 3600, "CD2_2": 0.4 / 3600}, r"pixels of .*image-g.fits.fz are 0.4000 arcsec, sought are 0.262"),
    "mirrored": ({"CD1_1": 0.262 / 3600}, r"image-g.fits.fz is not north up and east left"),
    "none": ({"CTYPE1": "", "CTYPE2": ""}, r"image-g.fits.fz has no coordinates on the sky"),
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_coordinates_that_cannot_serve_are_named(survey: Path, tmp_path: Path, name: str) -> None:
    keys, words = GEOMETRIES[name]
    of_header(**keys)(image_of(survey, band="g"))
    with pytest.raises(ArcgateError, match=words):
        cut(survey, tmp_path)


def test_checksums_are_compared_on_demand(survey: Path, tmp_path: Path) -> None:
    assert cut(survey, tmp_path / "sound", verify="checksums") == {}
    path = image_of(survey, "invvar")
    with fits.open(path) as file:
        fits.CompImageHDU(file[1].data * 2, file[1].header, tile_shape=(100, 100)).writeto(path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    assert cut(survey, tmp_path / "unseen") == {}
    with pytest.raises(ArcgateError, match=r"the SHA-256 of legacysurvey-0500m300-invvar-r.fits.fz is .*, the survey's is"):
        cut(survey, tmp_path, verify="checksums")
    SurveyFolder(survey, "south").checksums(NAME).unlink()
    with pytest.raises(ArcgateError, match=r"no checksum of legacysurvey-0500m300-image-g.fits.fz is given: there is no brick-"):
        cut(survey, tmp_path, verify="checksums")


def test_lists_of_checksums_are_fetched_where_they_are_needed(survey: Path, tmp_path: Path) -> None:
    path = SurveyFolder(survey, "south").checksums(NAME)
    path.unlink()
    assert cut(survey, tmp_path) == {}
    with pytest.raises(ArcgateError, match=r"files are missing in 1 of 2 bricks: no checksum .* there is no brick-") as caught:
        cut(survey, tmp_path / "with", verify="checksums")
    assert "(1 file)" in str(caught.value.todo)
    listed = tmp_path / "with" / "hosts" / MISSING_FILES
    assert listed.read_text().splitlines() == [path.relative_to(survey).as_posix()]
    image_of(survey).unlink()
    with pytest.raises(ArcgateError, match="files are missing in 1 of 2 bricks: sought is"):
        cut(survey, tmp_path / "with", verify="checksums")
    assert len(listed.read_text().splitlines()) == 2


def test_a_missing_brick_is_told_before_anything_is_cut(survey: Path, tmp_path: Path) -> None:
    shutil.rmtree(SurveyFolder(survey, "south").brick(NAME))
    with pytest.raises(ArcgateError, match=r"files are missing in 1 of 2 bricks: sought is .*; there is no such folder"):
        cut(survey, tmp_path)
    assert not list(tmp_path.rglob("place-*"))
    names = (tmp_path / "hosts" / MISSING_FILES).read_text().splitlines()
    assert len(names) == 7
    assert names[0] == f"south/coadd/{NAME[:3]}/{NAME}/legacysurvey-{NAME}-image-g.fits.fz"
    assert cut(survey, tmp_path, missing_bricks="leave_out") == {DAMAGED: 2}
    shutil.rmtree(SurveyFolder(survey, "south").brick("0503m300"))
    with pytest.raises(ArcgateError, match="files are missing in 2 of 2 bricks"):
        cut(survey, tmp_path, missing_bricks="leave_out")


def test_mask_bits_are_asked_for_only_where_the_survey_has_them(survey: Path, tmp_path: Path) -> None:
    image_of(survey, "maskbits", None).unlink()
    with pytest.raises(ArcgateError, match=r"sought is legacysurvey-0500m300-maskbits.fits.fz; there is no maskbits"):
        cut(survey, tmp_path)
    assert cut(survey, tmp_path, masks="invvar") == {}


def test_bits_of_each_band_take_out_its_own_pixels(tmp_path: Path) -> None:
    brick = SmallBrick(places=[(100.2, 100.2), (200.2, 100.2), (300.2, 100.2), (100.2, 300.2), (10.0, 300.2)])
    # ALLMASK_G and Z in two cores; BRIGHT (bit 1) and the i band's bit (15) are of no concern.
    for (x, y), bit in zip(brick.places[:4], (5, 7, 1, 15), strict=True):
        brick.bits[int(y), int(x)] = 1 << bit
    write_survey(tmp_path, [brick])
    parents = LegacyParents.open(LegacyFiles.open(legacy_hosts(tmp_path), DECALS), tmp_path)
    hosts = cut_out(parents, np.arange(5), data_dir=tmp_path, engine=Local())
    assert hosts.unusable.tolist() == [0, 1, 4]
    assert hosts.table["found"].dropna().tolist()[:2] == ["1 of 4096 pixels in g", "1 of 4096 pixels in z"]
    assert hosts.table["reason"][4] == OVER_THE_EDGE


def test_slices_and_whole_images_are_the_same_pixels(sound: Path) -> None:
    random = np.random.default_rng(5)
    many, shape = random.integers(0, 336, (40, 2)), (400, 400)
    assert whole_is_cheaper(many, 64, shape, (100, 100))
    assert not whole_is_cheaper(many[:1], 64, shape, (100, 100))
    with open_plane(image_of(sound), "image", NAME) as plane:
        together = plane.windows(many, 64)
    with open_plane(image_of(sound), "image", NAME) as plane:
        assert all(np.array_equal(plane.windows(many[i : i + 1], 64)[0], together[i]) for i in range(40))


def test_bricks_of_a_survey_are_read_by_slices_below_some_hundred() -> None:
    random = np.random.default_rng(6)
    for count, whole in ((9, False), (150, False), (300, True)):
        assert whole_is_cheaper(random.integers(0, 3536, (count, 2)), 64, (3600, 3600), (100, 100)) == whole


def test_what_files_are_counts_and_where_they_lie_does_not(survey: Path, sound: Path) -> None:
    def digest(root: Path) -> str:
        return LegacyFiles.open(legacy_hosts(root), DECALS).digest

    assert digest(survey) == digest(sound)
    path = SurveyFolder(survey, "south").checksums(NAME)
    path.write_text(path.read_text().replace("a", "b"))
    assert digest(survey) != digest(sound)
    path.unlink()
    without = digest(survey)
    shortened(image_of(survey))
    assert len({digest(survey), digest(sound), without}) == 3


def test_what_may_change_which_galaxies_can_be_used_counts(sound: Path) -> None:
    """A look at checksums too: of damaged bricks that are left out, what was cut before would stay."""

    def digest(**changes: Any) -> str:
        return LegacyFiles.open(legacy_hosts(sound, **changes), DECALS).digest

    assert len({digest(), digest(n_hosts=1), digest(missing_bricks="leave_out"), digest(verify="checksums")}) == 4
