"""The runner: any number of workers, resuming, failures as rows, a kill in the middle."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import lawbench
from lawbench.errors import InputError, UnknownNameError, UnreachableDataError
from lawbench.runner import cores
from lawbench.store import load_rows

from .house import House, settle, write_law


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "house")


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """The toy dataset in this process, with the laws of the tests beside it."""
    root = settle(monkeypatch, tmp_path / "toy")
    write_law(root / "extra", "own")
    return root


def run(toy, laws, **more):
    return lawbench.run(laws, out=toy / "results", n_jobs=1, **more)


def without_times(cells):
    for cell in cells.values():
        cell["row"]["seconds"] = None
    return cells


def test_results_are_bit_identical_for_any_number_of_workers(house):
    write_law(house.root / "laws", "bad", "raise ZeroDivisionError('on purpose')")
    rows = [house.rows(n_jobs=n, out=f"out{n}") for n in (1, 2, 3)]
    assert rows[0] == rows[1] == rows[2]
    assert {row["status"] for row in rows[0]} == {"ok", "reference", "failed"}
    stored = [without_times(house.cells(f"out{n}")) for n in (1, 2, 3)]
    assert stored[0] == stored[1] == stored[2]
    assert len(stored[0]) == len(rows[0]) == 2 * (3 + 3)


def test_a_second_run_computes_nothing_and_gives_the_same(toy):
    seen = []
    first = run(toy, [toy / "extra" / "own.py"], progress=lambda done, total, row: seen.append((done, total)))
    assert first.attrs["computed"] == 6
    assert seen == [(i, 6) for i in range(7)]
    second = run(toy, [toy / "extra" / "own.py"])
    assert second.attrs["computed"] == 0
    assert second.equals(first)
    assert load_rows(toy / "results").equals(first)


def test_only_what_changed_runs_again(house):
    write_law(house.root / "laws", "second")
    assert house.rows(n_jobs=1)
    before = {name: os.stat(house.root / "results" / name).st_mtime_ns for name in house.cells()}
    write_law(house.root / "laws", "second", "L0 = 1.0 * L0")
    done = house.lawbench("run", "--no-report", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "made by other laws, data or code" in done.stderr
    after = {name: os.stat(house.root / "results" / name).st_mtime_ns for name in house.cells()}
    assert {name.split("--")[1].split("-")[0] for name in before if before[name] != after[name]} == {"second"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ZeroDivisionError('on purpose')", "law 'bad' raised ZeroDivisionError: on purpose"),
        ("while True: pass", "law 'bad' did not end within 1 s and was stopped."),
        ("import os; os.kill(os.getpid(), 9)", "law 'bad' died from signal SIGKILL"),
        ("import sys; sys.exit(4)", "law 'bad' ended its process (exit code 4)."),
        ("return np.ones(3)", "law 'bad' "),
        ("return L0 * np.nan * x['log_t']", "law 'bad' gives no finite prediction"),
    ],
    ids=["raises", "never-ends", "killed", "exits", "wrong-shape", "nan"],
)
def test_a_law_that_fails_becomes_a_row_and_the_others_go_on(toy, body, words):
    bad = write_law(toy / "extra", "bad", body)
    frame = run(
        toy,
        [toy / "extra" / "own.py", bad],
        recipes="common",
        tasks="toy/schedule",
        timeout=1 if "True" in body else 60,
    )
    rows = {row["entry"]: row for row in frame.to_dict("records")}
    assert rows["own"]["status"] == "ok"
    failed = rows["bad"]
    assert failed["status"] == "failed"
    assert words in failed["reason"]
    assert (failed["provides"], failed["family"], failed["n_scored"]) == ("lr,n_params,steps,tokens", "toy", 20)
    assert failed["fingerprint"]


def test_failures_are_stored_and_tried_again(toy):
    flag = toy / "flag"
    flag.touch()
    bad = write_law(
        toy / "extra", "bad", f"import os\n        if os.path.exists({str(flag)!r}): raise OSError('not yet')"
    )
    first = run(toy, [bad], recipes="common", tasks="toy/schedule")
    assert first["status"].tolist() == load_rows(toy / "results")["status"].tolist() == ["failed"]
    flag.unlink()
    second = run(toy, [bad], recipes="common", tasks="toy/schedule")
    assert (second["status"].tolist(), second.attrs["computed"]) == (["ok"], 1)


def test_a_damaged_cell_is_computed_again(toy):
    first = run(toy, [toy / "extra" / "own.py"])
    victim = sorted((toy / "results").glob("*.json"))[2]
    victim.write_text(victim.read_text()[:100])
    second = run(toy, [toy / "extra" / "own.py"])
    assert second.attrs["computed"] == 1
    assert victim.name in second.attrs["ignored"][0]
    assert second.drop(columns="seconds").equals(first.drop(columns="seconds"))


def test_a_kill_loses_at_most_the_cells_in_flight(house):
    for i in range(6):
        write_law(house.root / "laws", f"slow{i}", "import time; time.sleep(0.004)")
    command = [sys.executable, "-c", "import lawbench; lawbench.run(n_jobs=2, recipes='common')"]
    with subprocess.Popen(command, cwd=house.root, env=house.environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while len(list(house.root.glob("results/*.json"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
            assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
    kept = {name: os.stat(house.root / "results" / name).st_mtime_ns for name in house.cells()}
    assert len(kept) >= 5
    rows = house.rows(n_jobs=2, recipes="common")
    assert len(rows) == 14
    assert {row["status"] for row in rows} == {"ok"}
    assert all(os.stat(house.root / "results" / name).st_mtime_ns == at for name, at in kept.items())


def test_an_interrupt_leaves_a_usable_store(house):
    for i in range(6):
        write_law(house.root / "laws", f"slow{i}", "import time; time.sleep(0.004)")
    command = [sys.executable, "-m", "lawbench.cli", "run", "--jobs", "2", "--recipe", "common"]
    process = subprocess.Popen(
        command, cwd=house.root, env=house.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 90
    while len(list(house.root.glob("results/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert len(load_rows(house.root / "results")) >= 3
    assert not list(house.root.glob("results/.cell-*"))


def test_data_that_cannot_be_reached_is_left_out_and_said(toy, monkeypatch):
    card = (toy / "datasets" / "toy" / "card.toml").read_text()
    far = toy / "datasets" / "far"
    far.mkdir()
    source = '[source]\nrepository = "nobody/nothing"\ncommit = "' + "0" * 40 + '"\n'
    (far / "card.toml").write_text(card.replace("[source]\n", source))
    monkeypatch.setenv("LAWBENCH_UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.setenv("LAWBENCH_CACHE", str(toy / "cache"))
    monkeypatch.delenv("LAWBENCH_MIRROR", raising=False)
    frame = run(toy, [toy / "extra" / "own.py"], recipes="common")
    assert set(frame["dataset"]) == {"toy"}
    assert set(frame.attrs["left_out"]) == {"far/schedule", "far/horizon"}
    assert "LAWBENCH_MIRROR" in frame.attrs["left_out"]["far/schedule"]
    with pytest.raises(UnreachableDataError, match="no task can be reached"):
        run(toy, [toy / "extra" / "own.py"], tasks="far")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"tasks": "toy/schedul"}, UnknownNameError, "unknown task.*did you mean 'toy/schedule'"),
        ({"tasks": ["toi"]}, UnknownNameError, "unknown dataset 'toi': did you mean 'toy'"),
        ({"recipes": "papers"}, UnknownNameError, "unknown recipe 'papers': did you mean 'paper'"),
        ({"recipes": "paper"}, InputError, "nothing to run"),
        ({"timeout": 0}, InputError, "time-out of 0 s"),
    ],
)
def test_wrong_arguments_are_answered_before_anything_runs(toy, arguments, error, words):
    with pytest.raises(error, match=words):
        run(toy, [toy / "extra" / "own.py"], **arguments)
    assert not (toy / "results").exists()


def test_a_number_of_workers_below_one_is_refused(toy):
    with pytest.raises(InputError, match="0 workers"):
        lawbench.run([toy / "extra" / "own.py"], n_jobs=0, out=toy / "results")


def test_a_class_is_a_law_as_well(house):
    write_law(house.root, "mine")
    done = house.python(
        "import lawbench, runpy\n"
        "Mine = runpy.run_path('mine.py', run_name='__main__')['Mine']\n"
        "frame = lawbench.run([Mine], recipes='common', n_jobs=2)\n"
        "print(frame['status'].tolist())"
    )
    assert done.stdout.strip() == "['ok', 'ok']", done.stderr


def test_cores_are_those_the_process_may_use():
    assert cores() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores() >= 1


def test_what_a_law_prints_does_not_reach_stdout(house):
    write_law(house.root / "laws", "loud", "print('shouting')")
    done = house.lawbench("run", "--law", "loud", "--recipe", "common", "--json", "--no-report")
    assert done.returncode == 0, done.stderr
    assert {row["status"] for row in json.loads(done.stdout)["rows"]} == {"ok"}
