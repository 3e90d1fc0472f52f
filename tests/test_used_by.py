"""Which variants have a data set, from the studies' tables."""

from __future__ import annotations

from arcgate.used_by import used_by


def test_studies_and_variants_that_have_a_data_set(tmp_path):
    table = "variant,key,data_digest\n" + "".join(f"v{n},k,{digest}\n" for n, digest in enumerate("aaaaab"))
    for study in ("pilot", "mine/second"):
        (tmp_path / "studies" / study).mkdir(parents=True)
        (tmp_path / "studies" / study / "table.csv").write_text(table)
    (tmp_path / "studies" / "pilot" / "other.csv").write_text("x,y\n1,2\n")
    assert used_by("a", tmp_path) == "study mine/second: v0, v1, v2 and 2 more; study pilot: v0, v1, v2 and 2 more"
    assert used_by("b", tmp_path) == "study mine/second: v5; study pilot: v5"
    assert used_by("c", tmp_path) == used_by("a", tmp_path / "nowhere") == ""
