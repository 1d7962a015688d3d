"""The lotteries of benches/lottery.rs in the PyPI package sortition-algorithms, with its default solver.

    pip install sortition-algorithms
    python benches/peers/lottery.py ../shared/data/sortition [--limit 600] [--algorithms maximin leximin]

One process an instance and algorithm, ended at the limit. Seconds are those of the selection alone, without reading the
files. Its leximin needs gurobipy with a licence; without one it draws by maximin instead, which is said.
"""

import argparse
import csv
import multiprocessing
import os
import pathlib
import time

INSTANCES = ["sf_fixture_22", "example_small_20", "example_large_200", "prismlike_36", "prismlike_145"]


def select(folder, algorithm, answer):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import sortition_algorithms as peer

    with open(folder / "categories.csv", newline="") as file:
        rows = list(csv.reader(file))
    head = ["feature", "value", "min", "max"]
    quotas = [dict(zip(head, row)) for row in rows[1:]]
    with open(folder / "respondents.csv", newline="") as file:
        people = [dict(row, peer_id=str(number)) for number, row in enumerate(csv.DictReader(file))]
    size = int(folder.name.rsplit("_", 1)[1])
    features, _, _ = peer.read_in_features(head, quotas, number_to_select=size)
    settings = peer.Settings(
        id_column="peer_id", columns_to_keep=[], selection_algorithm=algorithm, random_number_seed=1, max_attempts=1
    )
    pool, _ = peer.read_in_people(list(people[0]), people, features, settings)
    start = time.perf_counter()
    success, panels, report = peer.run_stratification(features, pool, size, settings, max_seconds=10**6)
    seconds = time.perf_counter() - start
    fallback = algorithm == "leximin" and "gurobi" in report.as_text().lower()
    answer.put((seconds, success and len(panels[0]) == size, fallback))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("instances", type=pathlib.Path)
    parser.add_argument("--limit", type=float, default=600)
    parser.add_argument("--algorithms", nargs="+", default=["maximin", "leximin"])
    parser.add_argument("--only", nargs="+", default=INSTANCES)
    options = parser.parse_args()
    for name in options.only:
        for algorithm in options.algorithms:
            answer = multiprocessing.Queue()
            work = multiprocessing.Process(target=select, args=(options.instances / name, algorithm, answer))
            work.start()
            work.join(options.limit)
            if work.is_alive():
                work.terminate()
                print(f"{name} {algorithm}: nothing in {options.limit:.0f} s", flush=True)
            elif work.exitcode != 0:
                print(f"{name} {algorithm}: failed", flush=True)
            else:
                seconds, success, fallback = answer.get()
                note = " (no gurobipy: it drew by maximin)" if fallback else ""
                print(f"{name} {algorithm}: {seconds:.2f} s, {'a panel' if success else 'no panel'}{note}", flush=True)


if __name__ == "__main__":
    main()
