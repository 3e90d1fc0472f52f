"""Views: exact statistics, errors instead of silent repairs, rows that do not know of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from arcgate import variant
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, Imaging
from arcgate.views.arrays import ArrayViewer
from arcgate.views.robust import MAD_TO_SIGMA, median_and_mad, radii_pix

Stamps = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]
NORMALISATIONS = ["raw", "stamp_robust", "annulus_robust"]


def viewer(**changes: Any) -> ArrayViewer:
    scales = {"g": 0.01, "r": 0.02, "z": 0.04}
    plain: dict[str, Any] = {"normalisation": "annulus_robust", "annulus": 0.625, "stretch": "none", "raw_scale_nmgy": scales}
    return ArrayViewer(variant.View(("stamp",), **(plain | changes)), DECALS)


@pytest.fixture
def stamps() -> Stamps:
    """50 noisy stamps, hosts off the middle by up to three pixels."""
    rng = np.random.default_rng(3)
    image = rng.normal(0.01, 0.02, (50, 3, 64, 64)).astype(np.float32)
    x, y = rng.uniform(28.5, 34.5, (2, 50))
    image[:, :, 30:34, 30:34] += np.float32(0.5)
    return image, x, y


def _slow(pixels: NDArray[np.float32]) -> tuple[np.float64, np.float64]:
    values = pixels.astype(np.float64)
    centre = np.median(values)
    return centre, MAD_TO_SIGMA * np.median(np.abs(values - centre))


def test_stamp_statistics_agree_with_numpy(stamps: Stamps) -> None:
    centre, scale = viewer(normalisation="stamp_robust").normaliser(*stamps)
    expected = np.array([[_slow(band) for band in stamp] for stamp in stamps[0]])
    np.testing.assert_allclose(centre, expected[:, :, 0], rtol=1e-6)
    np.testing.assert_allclose(scale, expected[:, :, 1], rtol=1e-6)


@pytest.mark.parametrize("annulus_pix", [3.0, 20.0, 31.5])
def test_annulus_statistics_use_only_the_annulus_around_the_host(stamps: Stamps, annulus_pix: float) -> None:
    image, x, y = stamps
    centre, scale = viewer(annulus=annulus_pix / 32).normaliser(image, x, y)
    rows, columns = np.mgrid[:64, :64]
    parities = set()
    for row, stamp in enumerate(image):
        used = np.hypot(columns - x[row], rows - y[row]) >= annulus_pix
        parities.add(int(used.sum()) % 2)
        expected = np.array([_slow(band[used]) for band in stamp])
        np.testing.assert_allclose(centre[row], expected[:, 0], rtol=1e-6)
        np.testing.assert_allclose(scale[row], expected[:, 1], rtol=1e-6)
    assert parities == {0, 1}


def test_few_and_single_pixels_have_a_median() -> None:
    image = np.arange(64 * 64, dtype=np.float32).reshape(1, 1, 64, 64)
    for count in (1, 2, 3, 4):
        used = np.zeros((1, 64 * 64), dtype=bool)
        used[0, [5, 100, 1000, 4000][:count]] = True
        median, _ = median_and_mad(image, used.reshape(1, 64, 64))
        assert median[0, 0] == np.median([5, 100, 1000, 4000][:count])


@pytest.mark.parametrize("size", [33, 64, 101])
@pytest.mark.parametrize("normalisation", ["stamp_robust", "annulus_robust"])
def test_statistics_of_any_stamp_agree_with_numpy(size: int, normalisation: str) -> None:
    """Odd stamps have an odd number of pixels, of which an even or an odd number counts."""
    imaging, rng = Imaging(("g", "vis"), "g", size, 0.2), np.random.default_rng(size)
    image = rng.normal(0.01, 0.02, (12, *imaging.shape)).astype(np.float32)
    x, y = (size - 1) / 2 + rng.uniform(-2.0, 2.0, (2, 12))
    radius = 0.3 * size
    looking = ArrayViewer(variant.View(("stamp",), normalisation, 0.6, "none", {"g": 0.01, "r": 0.01, "z": 0.01}), imaging)
    centre, scale = looking.normaliser(image, x, y)
    rows, columns = np.mgrid[:size, :size]
    parities = set()
    for row, stamp in enumerate(image):
        used = np.hypot(columns - x[row], rows - y[row]) >= (radius if normalisation == "annulus_robust" else 0.0)
        parities.add(int(used.sum()) % 2)
        expected = np.array([_slow(band[used]) for band in stamp])
        np.testing.assert_allclose(centre[row], expected[:, 0], rtol=1e-6)
        np.testing.assert_allclose(scale[row], expected[:, 1], rtol=1e-6)
    assert parities == ({0, 1} if normalisation == "annulus_robust" else {size % 2})


@pytest.mark.parametrize(("size", "annulus"), [(21, 6.0), (40, 19.0), (48, 20.0), (64, 31.0), (101, 30.0)])
@pytest.mark.parametrize("normalisation", ["stamp_robust", "annulus_robust"])
def test_no_stamp_without_a_spread_goes_by(size: int, annulus: float, normalisation: str) -> None:
    """Just over half of the pixels that count share a value."""
    imaging, rng = Imaging(("g",), "g", size, 0.2), np.random.default_rng(size)
    looking = ArrayViewer(
        variant.View(("stamp",), normalisation, 2 * annulus / size, "none", {"g": 0.01, "r": 0.01, "z": 0.01}), imaging
    )
    image = rng.normal(0.0, 1.0, (60, *imaging.shape)).astype(np.float32)
    middle = np.full(60, (size - 1) / 2)
    counts = radii_pix(middle[:1], middle[:1], size)[0] >= (annulus if normalisation == "annulus_robust" else 0.0)
    for stamp in image[:30]:
        places = np.argwhere(counts)
        chosen = places[rng.permutation(len(places))[: len(places) // 2 + 2]]
        stamp[0, chosen[:, 0], chosen[:, 1]] = 0.0
    assert looking.scalable(image, middle, middle).tolist() == [False] * 30 + [True] * 30


def test_constants_are_asked_for_each_band_where_they_divide() -> None:
    imaging, scales = Imaging(("g", "vis"), "g", 64, 0.1), {"g": 0.01, "r": 0.01, "z": 0.01}
    with pytest.raises(ArcgateError, match=r"no scale is given for the bands vis(.|\n)*a value for each band"):
        ArrayViewer(variant.View(("stamp",), "raw", 0.625, "none", scales), imaging)
    assert ArrayViewer(variant.View(("stamp",), "annulus_robust", 0.625, "none", scales), imaging).viewer.annulus_pix == 20.0
    assert ArrayViewer(variant.View(("stamp",), "raw", 0.625, "none", scales | {"vis": 0.01}), imaging)


@pytest.mark.parametrize(("size", "radius"), [(64, 20.0), (101, 31.5625), (200, 62.5)])
def test_the_annulus_is_a_share_of_half_the_stamp(size: int, radius: float) -> None:
    imaging = Imaging(("vis",), "vis", size, 0.1)
    looking = ArrayViewer(variant.View(("stamp",), "annulus_robust", 0.625, "none", {"vis": 0.01}), imaging)
    assert looking.viewer.annulus_pix == radius
    image = np.random.default_rng(1).normal(0.0, 1.0, (1, *imaging.shape)).astype(np.float32)
    middle = np.full(1, imaging.middle_pix)
    core = radii_pix(middle, middle, size)[0] < radius
    lit = image + np.float32(3) * core.astype(np.float32)
    for now, then in zip(looking.normaliser(lit, middle, middle), looking.normaliser(image, middle, middle), strict=True):
        np.testing.assert_array_equal(now, then)


def test_light_inside_the_annulus_radius_does_not_move_the_annulus_statistics(stamps: Stamps) -> None:
    image, x, y = stamps
    before = viewer().normaliser(image, x, y)
    inside = radii_pix(x, y, 64) < 20
    lit = image + np.float32(3) * inside[:, None].astype(np.float32)
    for now, then in zip(viewer().normaliser(lit, x, y), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_raw_divides_by_its_constants(stamps: Stamps) -> None:
    image = stamps[0]
    seen = viewer(normalisation="raw")(*stamps)
    np.testing.assert_array_equal(seen, image / np.array([0.01, 0.02, 0.04], dtype=np.float32)[:, None, None])


def test_robust_views_have_centre_zero_and_scale_one(stamps: Stamps) -> None:
    view = viewer(normalisation="stamp_robust")
    centre, scale = view.normaliser(view(*stamps), *stamps[1:])
    np.testing.assert_allclose(centre, 0, atol=1e-6)
    np.testing.assert_allclose(scale, 1, rtol=1e-5)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_stretch_is_asinh_of_the_normalised(stamps: Stamps, normalisation: str) -> None:
    plain = viewer(normalisation=normalisation)(*stamps)
    stretched = viewer(normalisation=normalisation, stretch="asinh")(*stamps)
    assert stretched.dtype == np.float32
    np.testing.assert_allclose(stretched, np.arcsinh(plain.astype(np.float64)), rtol=1e-6)


def test_statistics_of_one_stamp_apply_to_its_twin(stamps: Stamps) -> None:
    image, x, y = stamps
    view = viewer()
    twin = image + np.float32(0.1)
    centre, scale = view.normaliser(image, x, y)
    np.testing.assert_allclose(
        view.apply(twin, centre, scale) - view.apply(image, centre, scale), (0.1 / scale)[:, :, None, None] + 0 * image, rtol=1e-3
    )


@pytest.mark.parametrize("stretch", ["none", "asinh"])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("length", [1, 3, 7, 50])
def test_rows_are_bit_equal_in_any_batch(stamps: Stamps, normalisation: str, stretch: str, length: int) -> None:
    image, x, y = stamps
    view = viewer(normalisation=normalisation, stretch=stretch)
    whole, whole_masked = view(image, x, y), view.masked(image, x, y, 5.0)
    for start in range(0, 50, length):
        rows = slice(start, start + length)
        assert view(image[rows], x[rows], y[rows]).tobytes() == whole[rows].tobytes()
        assert view.masked(image[rows], x[rows], y[rows], 5.0).tobytes() == whole_masked[rows].tobytes()


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_mask_sets_the_core_to_the_annulus_median_and_leaves_the_rest(stamps: Stamps, normalisation: str) -> None:
    image, x, y = stamps
    view = viewer(normalisation=normalisation)
    seen, masked = view(image, x, y), view.masked(image, x, y, 5.0)
    radii = radii_pix(x, y, 64)
    for row in range(50):
        core, annulus = radii[row] < 5, radii[row] >= 20
        for band in range(3):
            np.testing.assert_allclose(masked[row, band][core], np.median(seen[row, band][annulus]), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(masked[row, band][~core], seen[row, band][~core])


def test_mask_comes_before_the_stretch(stamps: Stamps) -> None:
    plain = viewer().masked(*stamps, 5.0)
    stretched = viewer(stretch="asinh").masked(*stamps, 5.0)
    np.testing.assert_allclose(stretched, np.arcsinh(plain.astype(np.float64)), rtol=1e-6, atol=1e-12)


def test_masked_core_hides_its_light_from_annulus_views(stamps: Stamps) -> None:
    image, x, y = stamps
    lit = image.copy()
    np.add(lit, np.float32(1), out=lit, where=(radii_pix(x, y, 64) < 5)[:, None])
    view = viewer(stretch="asinh")
    assert view.masked(lit, x, y, 5.0).tobytes() == view.masked(image, x, y, 5.0).tobytes()


def test_input_is_left_alone(stamps: Stamps) -> None:
    image, x, y = stamps
    before = image.tobytes()
    viewer(stretch="asinh")(image, x, y)
    viewer(normalisation="raw").masked(image, x, y, 5.0)
    assert image.tobytes() == before


@pytest.mark.parametrize("normalisation", ["stamp_robust", "annulus_robust"])
def test_constant_image_is_refused_by_name(stamps: Stamps, normalisation: str) -> None:
    image, x, y = stamps
    image[7, 2] = 0.25
    with pytest.raises(ArcgateError, match="no spread") as caught:
        viewer(normalisation=normalisation)(image, x, y)
    assert "row 7 of the batch, band z" in str(caught.value)


def test_pixels_that_are_not_finite_are_refused_by_name(stamps: Stamps) -> None:
    image, x, y = stamps
    image[9, 1, 3, 4] = np.nan
    with pytest.raises(ArcgateError, match="not finite") as caught:
        viewer()(image, x, y)
    assert "row 9 of the batch, band r" in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 64.0])
def test_centre_outside_the_stamp_is_refused(stamps: Stamps, bad: float) -> None:
    image, x, y = stamps
    x[2] = bad
    with pytest.raises(ArcgateError, match="does not lie in the stamp") as caught:
        viewer()(image, x, y)
    assert "row 2" in str(caught.value)


@pytest.mark.parametrize("radius", [0.0, -1.0, 20.5])
def test_mask_that_reaches_the_annulus_is_refused(stamps: Stamps, radius: float) -> None:
    with pytest.raises(ArcgateError, match="does not lie inside the annulus"):
        viewer().masked(*stamps, radius)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image, x, y: (image.astype(float), x, y),
        lambda image, x, y: (image[:, :2], x, y),
        lambda image, x, y: (image, x[:3], y),
    ],
)
def test_wrong_shapes_are_refused(stamps: Stamps, spoil: Any) -> None:
    with pytest.raises(ArcgateError, match="a view takes float32 stamps"):
        viewer()(*spoil(*stamps))
