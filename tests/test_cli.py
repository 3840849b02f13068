"""The command line: what it prints, how it ends, what it says when the input is wrong."""

import csv
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lawbench import __version__
from lawbench.cli import app
from lawbench.registry import law_names

from .house import House, settle, write_law

COMMANDS = [
    "run",
    "board",
    "report",
    "laws",
    "datasets",
    "tasks",
    "fetch",
    "fit",
    "predict",
    "import",
    "check",
    "new-law",
    "reproduce",
    "diff",
    "cite",
    "contribute",
    "export-tasks",
]


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """The toy dataset, and a folder of one's own to work in."""
    settle(monkeypatch, tmp_path / "house")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("LAWBENCH_RESULTS", raising=False)
    write_law(work, "own")
    return work


@pytest.fixture
def call():
    def invoke(*arguments, code=0):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output + repr(done.exception)
        assert "Traceback" not in done.output
        return done

    return invoke


def test_help_fits_one_screen_and_names_every_command(call):
    lines = call("--help").stdout.splitlines()
    assert len(lines) <= 32
    assert all(any(line.split()[:1] == [name] for line in lines) for name in COMMANDS)
    assert not any(line.endswith("...") for line in lines[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_one_screen(call, command):
    assert len(call(command, "--help").stdout.splitlines()) <= 30


def test_version(call):
    assert call("--version").stdout == f"lawbench {__version__}\n"


def test_laws_are_listed_and_shown(call):
    assert [line.split()[0] for line in call("laws").stdout.splitlines()[1:]] == law_names()
    assert [law["name"] for law in json.loads(call("laws", "--json").stdout)] == law_names()
    shown = call("laws", "mpl").stdout
    assert all(word in shown for word in ("gamma", "warmup", "luo2025-repo", "2503.12811"))
    (law,) = json.loads(call("laws", "mpl", "--json").stdout)
    assert law["recipes"] == ["common", "published:luo2025-repo", "published:luo2025", "paper",
                              "sum", "least_squares", "regularised"]  # fmt: skip


def test_datasets_and_tasks_are_listed_and_shown(call, toy):
    assert "toy" in call("datasets").stdout
    shown = call("datasets", "toy").stdout
    assert all(word in shown for word in ("MIT", "two-stage", "toy/horizon", "flat.csv", "shipped"))
    assert json.loads(call("datasets", "toy", "--json").stdout)[0]["ways"]["flat.csv"] == "shipped"
    assert [task["name"] for task in json.loads(call("tasks", "--track", "horizon", "--json").stdout)] == [
        "toy/horizon"
    ]
    assert "toy: 2 shipped, all verified" in call("fetch").stdout


def test_light_commands_import_nothing_heavy():
    code = (
        "import sys; sys.argv = ['lawbench', 'laws']\n"
        "from lawbench.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(m for m in ('scipy', 'pandas', 'lmfit', 'joblib', 'matplotlib', 'seaborn') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
    assert "mpl" in done.stdout


def test_views_of_a_board_and_intervals(call, toy):
    run = ("run", "--law", "own.py", "--recipe", "common", "--jobs", "1", "--no-report")
    call(*run, "--intervals", "40")
    assert "39 refits do not reach the ends of a 95% interval" in call(*run, "--intervals", "39", code=2).stderr
    (own,) = (
        r for r in json.loads(call("board", "schedule", "--json").stdout)["schedule"]["rows"] if r["law"] == "own"
    )
    assert own["interval_tasks"] == 1
    assert 0 <= own["coverage"] <= 1
    found = json.loads(call("board", "schedule", "--pairs", "--ranks", "--stability", "--json").stdout)["schedule"]
    assert list(found) == ["pairs", "ranks", "stability"]
    assert {found["pairs"]["rows"][0][name] for name in ("entry", "other")} == {"own", "power_steps"}
    assert [row["copies"] for row in found["ranks"]["rows"]] == [1, 1]
    assert found["ranks"]["critical_distance"] is None
    assert [row["variant"] for row in found["stability"]["rows"]] == ["as ranked", "unmasked", "unclipped"]
    shown = call("board", "--pairs", "--ranks", "--stability").stdout
    assert all(word in shown for word in ("mean_rank", "no critical distance", "leader_stays", "verdict"))
    assert "leave --unmasked out" in call("board", "--stability", "--unmasked", code=2).stderr


def test_run_board_and_report(call, toy):
    done = call("run", "--law", "own.py", "--recipe", "common", "--jobs", "1", "--no-report")
    # The baselines of both boards come along: last_value is for horizons alone.
    assert "6 cells (6 computed, 0 stored): 5 ok, 0 reference, 1 not applicable" in done.stderr
    assert "schedule: Other learning-rate schedules" in done.stdout
    again = call("run", "--law", "own.py", "--recipe", "common", "--json", "--no-report")
    assert "6 cells (0 computed, 6 stored)" in again.stderr
    rows = json.loads(again.stdout)["rows"]
    assert {row["entry"] for row in rows} == {"own", "power_steps", "last_value"}
    board = json.loads(call("board", "schedule", "--json").stdout)["schedule"]
    assert board["tasks"] == ["toy/schedule"]
    assert {row["entry"] for row in board["rows"]} == {"own", "power_steps"}
    assert "power_steps" in call("board").stdout
    assert "unknown board 'shedule': did you mean 'schedule'" in call("board", "shedule", code=2).stderr
    call("report", "--to", "pages")
    page = toy / "pages" / "index.html"
    assert page.is_file()
    drawn = page.stat().st_mtime_ns
    same = call("run", "--law", "own.py", "--recipe", "common", "--report-to", "pages")
    assert "(unchanged)" in same.stdout
    assert page.stat().st_mtime_ns == drawn
    call("run", "--law", "power_steps", "--recipe", "common", "--report-to", "pages")
    assert page.stat().st_mtime_ns > drawn


def test_failed_cells_are_counted_and_named(call, toy):
    write_law(toy, "bad", "raise ValueError('on purpose')")
    done = call("run", "--law", "bad.py", "--recipe", "common", "--jobs", "1", "--no-report")
    assert "failed: bad on toy/schedule: law 'bad' raised ValueError: on purpose" in done.stderr
    assert "3 ok, 0 reference, 1 not applicable, 2 failed" in done.stderr  # the baselines are ok


def test_fit_then_predict(call, toy):
    printed = call("fit", "own.py", "toy", "--run", "flat", "--out", "fit.json").stdout
    assert all(word in printed for word in ("alpha", "converged", "points"))
    told = json.loads((toy / "fit.json").read_text())
    assert told["params"]["L0"] == pytest.approx(2.0, abs=0.05)
    lines = list(
        csv.DictReader(call("predict", "fit.json", "toy", "--run", "drop", "--law", "own.py").stdout.splitlines())
    )
    assert len(lines) == 39
    p, step = told["params"], int(lines[5]["step"])
    assert float(lines[5]["predicted"]) == pytest.approx(p["L0"] + p["A"] * (step + 1) ** -p["alpha"], rel=1e-12)
    assert "is not overwritten" in call("fit", "own.py", "toy", "--out", "fit.json", code=2).stderr
    held = json.loads(call("fit", "own.py", "toy", "--run", "flat", "--hold", "alpha=0.3", "--json").stdout)
    assert held["params"]["alpha"] == 0.3


def test_fit_on_ones_own_files(call, toy):
    steps = range(0, 400)
    rows = [(s, 2 + 3 * (s + 1) ** -0.5, 1e-3) for s in steps]
    (toy / "dense.csv").write_text("step,loss,lr\n" + "".join(f"{s},{y!r},{lr}\n" for s, y, lr in rows))
    (toy / "sparse.csv").write_text("step,loss\n" + "".join(f"{s},{y!r}\n" for s, y, _ in rows[9::10]))
    (toy / "table.csv").write_text(
        "n_params,tokens,loss\n"
        + "".join(
            f"{n},{d},{1.8 + 400 / n**0.34 + 1000 / d**0.36!r}\n" for n in (1e6, 1e7, 1e8) for d in (1e8, 1e9, 1e10)
        )
    )
    for arguments in (("power_steps", "sparse.csv"), ("annealing_area", "dense.csv", "--hold", "lambda=0.99")):
        told = json.loads(call("fit", *arguments, "--json").stdout)
        assert told["params"]["L0"] == pytest.approx(2.0, abs=1e-2)
    shaped = ("--schedule", "constant,steps=400,peak=1e-3")
    call("fit", "annealing_area", "sparse.csv", *shaped, "--hold", "lambda=0.99")
    told = json.loads(call("fit", "chinchilla", "table.csv", "--json").stdout)
    assert told["params"]["E"] == pytest.approx(1.8, rel=1e-3)
    assert "needs a learning-rate schedule" in call("fit", "mpl", "sparse.csv", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("laws", "mlp"), "unknown law 'mlp': did you mean 'mpl'"),
        (("datasets", "toi"), "unknown dataset 'toi': did you mean 'toy'"),
        (("tasks", "--track", "horizont"), "unknown track 'horizont': did you mean 'horizon'"),
        (("fetch", "toi"), "did you mean 'toy'"),
        (("run", "--task", "toy/schedul"), "unknown task 'toy/schedul': did you mean 'toy/schedule'"),
        (("run", "--law", "chinchila"), "did you mean 'chinchilla'"),
        (("run", "--task", "toy", "--track", "scale"), "no chosen task is of track 'scale'"),
        (("run", "--jobs", "0"), "0 workers"),
        (("board",), "start with `lawbench run`"),
        (("report",), "start with `lawbench run`"),
        (("fit", "power_steps", "nothing.csv"), "does not exist"),
        (("fit", "power_steps", "toy", "--run", "flit"), "did you mean 'flat'"),
        (("fit", "power_steps", "toy", "--hold", "alpha"), "holds nothing"),
        (("fit", "mpl", "few.csv", "--schedule", "constnt,steps=9"), "did you mean 'constant'"),
        (("fit", "power_steps", "nan.csv"), "nan.csv"),
        (("fit", "power_steps", "few.csv", "--loss", "los"), "did you mean 'loss'"),
        (("fit", "power_steps", "few.csv"), "3 free parameters but there are 2 points"),
        (("fit", "power_steps", "few.csv", "--schedule", "constant,steps=5,peak=1e-3"), "ends after 5 steps"),
        (("predict", "few.csv", "toy"), "is not a fit"),
        (("new-law", "mpl"), "there is a law 'mpl' already"),
        (("new-law", "own"), "exists and is not overwritten"),
        (("new-law", "My-Law"), "cannot name a law"),
        (("check",), "give --all"),
        (("check", "mlp"), "did you mean 'mpl'"),
    ],
)
def test_wrong_input_gets_one_sentence_and_exit_code_2(call, toy, arguments, words):
    (toy / "few.csv").write_text("step,loss\n10,3.0\n20,2.5\n")
    (toy / "nan.csv").write_text("step,loss\n10,3.0\n20,nan\n30,2.0\n")
    done = call(*arguments, code=2)
    assert words in done.stderr
    assert done.stderr.startswith("lawbench: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_unknown_commands_are_answered_with_the_nearest(call):
    assert "'laws'" in call("lws", code=2).stderr


def test_a_new_law_runs_as_it_is(call, toy):
    assert "lawbench check" in call("new-law", "my_power").stdout
    done = call(
        "run", "--law", "my_power.py", "--law", "own.py", "--recipe", "common", "--jobs", "1", "--json", "--no-report"
    )
    errors = {(row["task"], row["law"]): row["log_mae"] for row in json.loads(done.stdout)["rows"]}
    assert errors["toy/schedule", "my_power"] == pytest.approx(errors["toy/schedule", "own"], rel=1e-6)
    call("check", "my_power.py")


def test_check_exits_with_1_where_a_law_breaks_the_contract(call, toy):
    write_law(toy, "bad", "raise ValueError('on purpose')")
    found = json.loads(call("check", "bad.py", "--json", code=1).stdout)
    assert any(not result["passed"] and result["reason"] for result in found)
    assert all(result["passed"] for result in json.loads(call("check", "power_steps", "--json").stdout))


def test_no_data_within_reach_is_one_sentence_and_exit_code_2(tmp_path):
    house = House(tmp_path / "house")
    card = house.root / "datasets" / "toy" / "card.toml"
    far = '[source]\nrepository = "nobody/nothing"\ncommit = "' + "0" * 40 + '"\n'
    card.write_text(card.read_text().replace("[source]\n", far))
    for name in ("flat.csv", "drop.csv"):
        (card.parent / name).unlink()
    environment = {"LAWBENCH_UPSTREAM": "http://127.0.0.1:9", "LAWBENCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "lawbench.cli", "run"],
        cwd=house.root, env=house.environment | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("lawbench: the data of no task can be reached")
    assert "LAWBENCH_MIRROR" in sentence
    assert not (house.root / "results").exists()


def test_a_damaged_file_is_named_and_nothing_is_lost(tmp_path):
    house = House(tmp_path / "house")
    assert house.lawbench("run", "--no-report", "--jobs", "1").returncode == 0
    kept = house.cells()
    data = house.root / "datasets" / "toy" / "flat.csv"
    data.write_text(data.read_text().replace("5,", "6,", 1))
    done = house.lawbench("run", "--no-report", "--jobs", "1")
    assert done.returncode == 2
    assert "flat.csv" in done.stderr
    assert "expected sha256" in done.stderr
    assert "Traceback" not in done.stderr
    assert house.cells() == kept


def test_a_spike_in_a_log_of_ones_own_is_reported_and_fitted_all_the_same(call, tmp_path):
    losses = [2.0 + 5.0 * (s + 1) ** -0.5 for s in range(100)]
    losses[60] *= 1.5
    (tmp_path / "bumpy.csv").write_text("step,loss\n" + "".join(f"{s},{y}\n" for s, y in enumerate(losses)))
    done = call("fit", "power_steps", tmp_path / "bumpy.csv")
    assert "run 'bumpy' has 1 loss spike (step 60); every point is fitted" in done.stderr
    assert "points          100" in done.stdout
