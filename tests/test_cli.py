"""The command line: usage, verdict codes, and one clear message for each kind of bad input."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from composing import REAL, needs_real

from arcgate import cli
from arcgate.finished import Keys, Record


@pytest.fixture
def arcgate(monkeypatch, capsys, tmp_path):
    """Run a command in a folder of its own; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["arcgate", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


TINY = ("data.hosts.n_hosts=60", "data.n_pairs=24", "evaluation.common.n_pairs=3", "runtime.workers=1")


def test_help_answers_at_once():
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "arcgate.cli", "--help"], capture_output=True, text=True, check=True)
    assert "usage: arcgate <verb>" in done.stdout
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import arcgate.cli"], capture_output=True, text=True, check=True
    ).stderr
    # Not a timing: none of the heavy libraries may be imported before a verb needs them.
    assert not any(name in loaded for name in ("torch", "mlflow", "pandas", "numpy", "hydra"))
    assert time.perf_counter() - begin < 60


def test_unknown_verb(arcgate):
    code, _, err = arcgate("fly")
    assert code == 2
    assert f"choose from {', '.join(cli.VERBS)}" in err


def test_simulate_then_inspect_then_audit(arcgate, tmp_path):
    code, out, _ = arcgate("simulate", *TINY, "psf=moffat_converted")
    assert (code, "data built" in out) == (0, True)
    code, out, _ = arcgate("simulate", *TINY, "psf=moffat_converted")
    assert (code, "data reused" in out) == (0, True)
    folder = out.split(": ")[-1].strip()
    code, out, _ = arcgate("inspect", f"data={folder}", "verify=true")
    assert (code, "verified" in out) == (0, True)
    code, out, _ = arcgate("audit", f"data={folder}", "gates=quick", "runtime.workers=1", "dry_run=true")
    assert (code, "would be made" in out, (tmp_path / "data/audits").exists()) == (0, True, False)
    code, out, _ = arcgate("audit", f"data={folder}", "gates=quick", "gates.reference_rows=0", "runtime.workers=1", "output=here")
    # 24 pairs are too few for any interval: undetermined, and the code says so.
    assert code == 4, out
    assert "safe? undetermined" in out
    assert json.loads((tmp_path / "here/evidence.json").read_text())["safe"] == "undetermined"
    assert (tmp_path / "here/report.html").stat().st_size > 1000
    assert (tmp_path / "mlruns").is_dir()
    # That was another view than the variant's: what `train` prints is the audit that it needs.
    code, _, err = arcgate("train", *TINY, "psf=moffat_converted", "gates=quick")
    assert (code, "Traceback" in err) == (1, False)
    (command,) = re.findall(r"`(arcgate audit .*?)`", err)
    (key,) = re.findall(r"runs/(\w{12})\w*/evidence\.json", err)
    code, out, _ = arcgate(*shlex.split(command)[1:], "runtime.workers=1", "dry_run=true")
    assert (code, f"evidence {key} would be made" in out) == (0, True)


@pytest.mark.parametrize("verb", ["run", "train", "simulate"])
@pytest.mark.parametrize("sweep", [(), ("-m", "psf=gaussian,moffat_naive")])
def test_dry_run_leaves_nothing(arcgate, tmp_path, verb, sweep):
    code, out, err = arcgate(verb, *sweep, "dry_run=true", *TINY)
    assert (code, err) == (0, "")
    assert "would be built" in out
    assert ("training" in out) == (verb != "simulate")
    assert ("train: whether it would be refused" in out) == (verb == "train")
    assert not list(tmp_path.iterdir())


def test_a_dry_sweep_counts_what_its_jobs_share_once(arcgate):
    _, alone, _ = arcgate("run", "dry_run=true", *TINY)
    _, out, _ = arcgate("run", "-m", "dry_run=true", "learning.epochs=1,2,3", *TINY)
    assert out.count("mock survey") == 3
    assert out.count("shared with a job above and counted there") == 2
    assert out.count("rows, counted there") == 4
    gigabytes = re.compile(r"([\d.]+) GB")
    assert [float(size) for size in gigabytes.findall(out)] == [
        float(gigabytes.findall(alone)[0]),
        0.0,
        0.0,
        *map(float, gigabytes.findall(alone)),
    ]
    assert out.splitlines()[-1].startswith("all 3 jobs: ")


@pytest.mark.parametrize("dry", ["true", "false"])
def test_a_backbone_that_does_not_exist_is_refused_before_anything_is_built(arcgate, tmp_path, dry):
    code, _, err = arcgate("run", f"dry_run={dry}", "learning.backbone=resnt18", *TINY)
    assert code == 1
    assert "close names: resnet18" in err
    assert not list(tmp_path.iterdir())


def test_a_study_may_have_the_name_of_a_number(arcgate):
    code, out, _ = arcgate("simulate", "-m", "dry_run=true", "study=2024,1e3", *TINY)
    assert (code, out.count("(data set only)")) == (0, 2)
    code, out, _ = arcgate("run", "dry_run=true", "study=2_024", *TINY)
    assert (code, "(study 2_024)" in out) == (0, True)


@pytest.mark.parametrize("arguments", [("study=../x",), ("-m", "study=a/../../b", "psf=gaussian,moffat_naive"), ("study=",)])
def test_a_study_that_leaves_its_folder_is_refused_before_anything_is_built(arcgate, tmp_path, arguments):
    code, _, err = arcgate("simulate", *arguments, *TINY)
    assert code == 1
    assert "study: Value error" in err
    assert not list(tmp_path.rglob("sets"))
    assert {path.name for path in tmp_path.iterdir()} <= {"data"}
    assert not list(tmp_path.parent.glob("x"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("audit", "some/file.npz"), 1, "write data=some/file.npz"),
        (("inspect", "a=b.npz", "2024"), 1, """write 'data="2024"'"""),
        (("audit", "--verify", "data=x"), 1, "write verify=true"),
        (("audit", "data=/x/a=b/c"), 1, """'data="/x/a=b/c"'"""),
        (("audit", "data=/x/my set (1)"), 1, """'data="/x/my set (1)"'"""),
        (("run", "variant=1e3"), 1, """'variant="2024"'"""),
        (("run", "study=[a,b]"), 1, """'study="..."'"""),
        (("run", "psf=airy"), 1, "moffat_converted"),
        (("run", "~hosts", "+hosts/mock@data.hosts=kids_gri"), 1, "state seeing and depth in a file hosts/mock/kids_gri.yaml"),
        (("run", "dta.n_pairs=3"), 1, "there is no setting dta.n_pairs"),
        (("run", "runtime.data_dir=${nowhere}", "dry_run=true"), 1, "nowhere"),
        (("run", "runtime.workers=two", "dry_run=true"), 1, "runtime.workers"),
        (("run", "--config-name", "nowhere"), 1, "Cannot find primary config 'nowhere'"),
        (("--completion", "csh"), 1, "bash, zsh, fish"),
    ],
)
def test_what_cannot_be_composed_is_told_in_words(arcgate, tmp_path, arguments, code, says):
    found, _, err = arcgate(*arguments)
    assert found == code
    assert says in err
    assert "Traceback" not in err
    assert "HYDRA_FULL_ERROR" not in err
    assert not list(tmp_path.rglob("errors"))


def test_a_job_that_fails_unforeseen_does_not_stop_the_others(arcgate, tmp_path, monkeypatch):
    import arcgate.injection.build as building

    built = building.build_dataset

    def failing(data, runtime):
        if data.psf.name == "gaussian":
            raise IndexError("index 2838 is out of bounds")
        return built(data, runtime)

    monkeypatch.setattr(building, "build_dataset", failing)
    code, out, err = arcgate("simulate", "-m", "psf=gaussian,moffat_naive", *TINY)
    assert code == 1
    assert out.startswith("moffat_naive n_hosts=60 n_pairs=24 ... ")
    assert "data built" in out
    assert err.startswith("arcgate: IndexError: index 2838 is out of bounds\n  where: its traceback is in")
    assert "Traceback" not in err
    (kept,) = (tmp_path / "data/errors").iterdir()
    assert "in failing" in kept.read_text()


def test_a_job_returns_the_metric_that_is_named(arcgate, monkeypatch, evidence):
    returned = []
    record = Record("run", "failed", {"common/auroc": 0.7}, [])
    monkeypatch.setattr(
        "arcgate.sweep.StudyCallback.on_job_end", lambda *_, job_return, **__: returned.append(job_return), raising=False
    )
    monkeypatch.setattr("arcgate.pipeline.run_variant", lambda spec: replace(record, scores={"common/auroc": spec.learning.lr}))
    monkeypatch.setattr("arcgate.finished.keys_of", lambda spec: Keys("d", "e", "t", "s"))
    monkeypatch.setattr("arcgate.finished.found", lambda spec: None)
    monkeypatch.setattr("arcgate.ending.evidence_of", lambda spec, keys: evidence)
    monkeypatch.setattr("arcgate.report.print_study", lambda *_: None)
    monkeypatch.setattr("arcgate.report.draw_study", lambda *_: None)
    sweep = ("run", "-m", "learning.lr=0.25,0.5", *TINY)
    code, _, err = arcgate(*sweep, "optimized_metric=common/auroc")
    assert (code, err, [job.return_value for job in returned]) == (0, "", [0.25, 0.5])
    returned.clear()
    code, _, err = arcgate(*sweep, "optimized_metric=common/recall_at_fpr")
    assert (code, [job.return_value for job in returned]) == (1, [None, None])
    assert err.count("the metric common/recall_at_fpr is not available") == 2
    returned.clear()
    assert arcgate(*sweep)[0] == 0
    assert [job.return_value for job in returned] == [None, None]


def test_an_unknown_metric_is_refused_before_anything_is_built(arcgate, tmp_path):
    code, _, err = arcgate("run", "optimized_metric=common/auorc", *TINY)
    assert code == 1
    assert "close names: common/auroc" in err
    assert not list(tmp_path.iterdir())


def test_an_error_after_a_sweep_is_one_message(arcgate, monkeypatch):
    def failing(*_):
        raise RuntimeError("no table")

    monkeypatch.setattr("arcgate.report.print_study", failing)
    monkeypatch.setattr("arcgate.pipeline.run_variant", lambda spec: Record("run", "passed", {}, []))
    code, _, err = arcgate("run", "-m", "psf=gaussian,moffat_naive", *TINY)
    assert code == 1
    assert err.startswith("arcgate: RuntimeError: no table")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("simulate", "core_mask=hard_r5", "data.core_mask.radius_pix=32", *TINY), "larger than the stamp"),
        (("simulate", "data.hosts.mag_r_min=21.5", *TINY), "no host is left after the cuts"),
        (("simulate", "data.hosts.mag_r_min=10", "data.hosts.mag_r_max=11", *TINY), "widen the selection"),
        (("simulate", "data.grid.shear=[]", *TINY), "data.grid.shear"),
        (("simulate", "data.hosts.psfsize_arcsec.g=-1", *TINY), "greater than 0"),
        (("simulate", "data.hosts.psf_beta_min=6", *TINY), "psf_beta_min"),
        (("simulate", "data.grid.lens_q=[0.9,0.2]", *TINY), "must not exceed"),
        (("simulate", *TINY, "runtime.data_dir=/dev/null/data"), "/dev/null"),
        (("simulate", *TINY, "data.n_pairs=500"), "need 500 hosts, but there are 60"),
        (("simulate", *TINY, "data.n_pairs=2"), "falls into split"),
        (("simulate", *TINY, "controls=unpaired", "data.n_pairs=50"), "too few control galaxies"),
        (("simulate", "hosts=pack", "data.hosts.path=nowhere", "data.n_pairs=3"), "nowhere"),
        (("inspect", "data=nowhere"), "nowhere"),
        (("audit", "data=nowhere"), "nowhere"),
        (("audit", "data=nowhere.npz"), "nowhere.npz"),
        (("audit",), "needs data="),
        (("audit", "data=nowhere", "gates.margin=2"), "gates.margin"),
        (("inspect",), "needs data="),
        (("predict", "data=nowhere"), "needs model="),
        (("predict", "model=nowhere"), "needs data="),
        (("predict", "model=nowhere", "data=nowhere"), "there is no folder nowhere"),
        (("predict", "model=models:/study@champion", "data=nowhere"), "there is no tracking database"),
        (("run", "force=true"), "there is no setting force"),
        (("train", "force=perhaps", *TINY), "force"),
        (("report", "study=none"), "no tracking database"),
        (("report",), "needs study="),
        (("ui", "port=5001"), "no tracking database"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_1(arcgate, tmp_path, arguments, says):
    code, out, err = arcgate(*arguments)
    assert code == 1
    assert says in err + out
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("dataset.json"))


def test_an_unknown_choice_lists_the_valid_ones():
    # Hydra writes this message and ends the process itself.
    done = subprocess.run(
        [sys.executable, "-m", "arcgate.cli", "simulate", "psf=airy"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "moffat_converted" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "simulate -m dry_run=true psf=gaussian,moffat_naive",
        "run --help",
        "run --info all",
    ],
)
def test_a_reader_that_leaves_is_told_nothing(tmp_path, arguments):
    command = [sys.executable, "-m", "arcgate.cli", *arguments.split()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 141)


@needs_real
def test_real_galaxies_are_cut_out_and_injected(arcgate):
    place = f'data.hosts.path="{REAL / "des_lrg_hosts"}"'
    code, out, err = arcgate(
        "simulate", "experiment=pilot_pack", place, "hydra.mode=RUN", "data.n_pairs=46", "data.injections_per_host=1"
    )
    assert code == 0, err
    code, out, _ = arcgate("inspect", f"data={out.split(': ')[-1].strip()}")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["galaxies", "46"] in lines
    assert [(line[0], line[-1]) for line in lines if line and line[0] in ("positive", "control")] == [
        ("positive", "46"),
        ("control", "46"),
    ]
