"""Each input, normalisation, objective, sampling policy and augmentation once, twelve drawn combinations, kills, and 6 channels.

    python experiments/25-every-option/run.py            # results.csv, kills.csv, channels.csv

Everything is typed as a user would type it: sweeps and single commands of `arcgate run`, two at a time, in one study; what is
finished is found finished. One training of each kind is then run again where it is ended with kill -9 under way and resumed.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import torch

from arcgate.tracking.results import results

HERE = Path(__file__).parent
GROUPS = {
    "view/input": (
        "stamp",
        "azimuthal_residual",
        "rotation_residual",
        "stamp_azimuthal",
        "stamp_rotation",
        "stamp_control",
        "residual",
    ),
    "view/normalisation": ("annulus_robust", "stamp_robust", "raw", "noise"),
    "learning/objective": ("cross_entropy", "label_smoothing", "focal", "contrastive"),
    "learning/sampling": (
        "everything",
        "visible_arcs",
        "faint_weighted",
        "theta_e_floor",
        "resolved",
        "easy_to_hard",
        "one_negative",
        "five_negatives",
        "floor_on_positives",
    ),
    "learning/augmentation": ("symmetries", "none", "shifts", "core_dropout"),
}
COMBINATIONS, SEED = 12, 15
# One of each kind.
KILLED = (
    ("view/input=stamp_azimuthal",),
    ("view/normalisation=noise",),
    ("learning/objective=contrastive",),
    ("learning/sampling=easy_to_hard",),
    ("learning/augmentation=core_dropout",),
)
BASE = ("variant=recommended", "gates=quick", "runtime.workers=1", "runtime.threads=1")
LEARNT = tuple(f"{ground}/{what}" for ground in ("test", "common") for what in ("found_", "half_found_snr"))
STUDY, CHANNELS = "every_option", "channels"
# Verdicts, not errors.
VERDICTS = (0, 3, 4)
FACTORS = [
    "view.planes",
    "view.normalisation",
    "learning.objective.module",
    "learning.objective.parameters.smoothing",
    "learning.sampling.name",
    "learning.augmentation.symmetries",
    "learning.augmentation.shift_pix",
    "learning.augmentation.core_dropout",
]
COLUMNS = ["variant", *FACTORS, "safe", "worst_gate", "test/auroc", "common/auroc", "common/auroc/low", "common/auroc/high"]
COLUMNS += ["common/recall_at_fpr", "common/purity_mixture"]


def command(*words: str, work: Path, study: str = STUDY, data: Path | None = None) -> list[str]:
    """`arcgate run` with these settings."""
    places = (f"runtime.data_dir={(data or work / 'data').resolve()}", f"runtime.mlruns_dir={(work / 'mlruns').resolve()}")
    return [sys.executable, "-m", "arcgate.cli", "run", *words, *BASE, f"study={study}", *places]


def typed(words: Sequence[str], log: Path) -> float:
    """Run a command, its output in a file; seconds."""
    began = time.monotonic()
    print(shlex.join(words[2:]), flush=True)
    with log.open("a") as file:
        code = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code not in VERDICTS:
        raise SystemExit(f"exit code {code}: see the end of {log}")
    print(f"  {time.monotonic() - began:.0f} s", flush=True)
    return time.monotonic() - began


def combinations(seed: int) -> list[tuple[str, ...]]:
    """Different combinations of an option of each group."""
    rng, drawn = random.Random(seed), []
    while len(drawn) < COMBINATIONS:
        one = tuple(f"{group}={rng.choice(options)}" for group, options in GROUPS.items())
        if one not in drawn:
            drawn.append(one)
    return drawn


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of the last and the best checkpoint of a training."""
    kept = {}
    for name in ("last", "best"):
        state = torch.load(folder / f"{name}.ckpt", map_location="cpu", weights_only=False)["state_dict"]
        kept |= {f"{name}: {key}": value for key, value in state.items()}
    return kept


def killed(words: tuple[str, ...], work: Path) -> dict[str, object]:
    """A training that is ended under way and resumed, against the study's own, which was left alone.

    It is of the same data set, in a folder of artifacts of its own.
    """
    folder, log = work / "killed", work / "log"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("sets", "hosts"):
        shutil.copytree(work / "data" / name, folder / name)
    # Scores are not what is asked.
    ours = command(
        *words, "evaluation.common.certifying=[]", "evaluation.common.n_pairs=100", work=work, study="killed", data=folder
    )
    print(f"killed: {shlex.join(ours[2:])}", flush=True)
    with log.open("a") as file:
        process = subprocess.Popen(ours, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    while not (under_way := list(folder.glob("runs/*/last.ckpt"))):
        if process.poll() is not None:
            raise SystemExit(f"it ended before it could be killed: see the end of {log}")
        time.sleep(0.01)
    # Some way into an epoch that is not written yet.
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    resumed = under_way[0].parent
    finished, epochs = (
        (resumed / "finished.json").exists(),
        int(torch.load(resumed / "last.ckpt", weights_only=False)["epoch"]) + 1,
    )
    typed(ours, log)
    alone = work / "data" / "runs" / resumed.name
    one, other = weights_of(alone), weights_of(resumed)
    equal = one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    curves = (alone / "history.csv").read_bytes() == (resumed / "history.csv").read_bytes()
    shutil.rmtree(folder)
    return {
        "what": " ".join(words),
        "finished_when_killed": finished,
        "epochs_when_killed": epochs,
        "tensors": len(one),
        "weights_equal": equal,
        "curves_equal": curves,
    }


def table_of(study: str, work: Path) -> pd.DataFrame:
    """What the study's page in MLflow shows of each variant, and what it has learnt."""
    table = results(study, work / "mlruns", full=True)
    learnt = [name for name in table if name.startswith(LEARNT) and name.count("/") == 1]
    return table[[name for name in (*COLUMNS, *learnt) if name in table]]


def refused(table: pd.DataFrame, work: Path) -> str:
    """What `arcgate predict` says of the networks that are shown a true control."""
    said, some_set = [], next((work / "data" / "sets").iterdir())
    for _, row in table[table["view.planes"].str.contains("control|^residual")].iterrows():
        words = ["predict", f"model=runs:/{row['run_id']}/network", f"data={some_set}", f"runtime.mlruns_dir={work / 'mlruns'}"]
        done = subprocess.run(
            [sys.executable, "-m", "arcgate.cli", *words],
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said.append(f"{row['variant']}: exit code {done.returncode}\n{done.stdout}")
    return "\n".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("data") / "experiment-25")
    work = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    log = work / "log"
    typed(command(work=work), log)  # makes the data set that the others share
    sweeps = [command("-m", f"{group}={','.join(options)}", work=work) for group, options in GROUPS.items()]
    single = [command(*words, work=work) for words in combinations(SEED)]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(typed, words, log) for words in (*sweeps, *single)]:
            done.result()
    table_of(STUDY, work).to_csv(HERE / "results.csv", index=False, float_format="%.4f")
    pd.DataFrame([killed(words, work) for words in KILLED]).to_csv(HERE / "kills.csv", index=False)
    inputs = "view/input=stamp,stamp_control,residual"
    typed(command("-m", inputs, "data.certifying=[unlensed,ring,shuffled]", work=work, study=CHANNELS), log)
    table_of(CHANNELS, work).to_csv(HERE / "channels.csv", index=False, float_format="%.4f")
    print(refused(results(CHANNELS, work / "mlruns", full=True), work))


if __name__ == "__main__":
    main()
