"""The benchmark's section on the monitor, a part of Bench in test/bench/run."""
import os
import sys
import time

from server import Server, cpu_seconds
from tables import figure, least, median, print_table

COUNTED_ROWS = 200_000
FEATURES = 28
TREES = "gradient boosting, 100 trees of 31 leaves"
WATCHED_MODELS, ROWS_PER_SECOND, WATCHED_SECONDS = 100, 10_000, 60
ROWS_PER_STATEMENT = 100


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Monitor:
    """What counting the scored rows costs the statement that scores, and what writing and judging the counts costs."""

    def section_monitor(self):
        self.counted_rows = max(1000, int(COUNTED_ROWS * self.options.scale))
        directory = os.path.join(self.scratch, "m")
        os.mkdir(directory, 0o700)
        self.monitored = Server(directory, self.server.environment["PG_CONFIG"], self.server.lib)
        self.monitored.start({**self.bench_settings, "shared_preload_libraries": "pg_mlops"})
        try:
            self.monitored.query("CREATE EXTENSION pg_mlops")
            self.monitor_counting()
            self.monitor_worker()
        finally:
            self.monitored.stop()

    # --- counting --------------------------------------------------------

    def monitor_models(self):
        columns = ", ".join(f"f{j} float8" for j in range(1, FEATURES + 1))
        program = f"'{self.file('gen')} higgs {self.counted_rows} pgcopy'"
        with self.monitored.connect() as conn:
            conn.query(f"CREATE TABLE higgs (id bigint, y integer, {columns}); "
                       f"COPY higgs FROM PROGRAM {program} (FORMAT binary)")
            conn.query("VACUUM (FREEZE, ANALYZE) higgs")
            for model, task, algorithm, params in (
                    ("linear", "regression", "linear_regression", "{}"),
                    ("trees", "classification", "gradient_boosting", '{"early_stopping": 0}')):
                conn.query(f"SELECT ml.train('{model}', 'higgs', 'y', algorithm => '{algorithm}', task => '{task}', "
                           f"exclude => '{{id}}', params => '{params}')")

    def monitor_score(self, model, monitor):
        run = self.monitored.measure(
            f"SELECT count(ml.predict('{model}', h)) FROM higgs h",
            f"SET pg_mlops.monitor = {monitor}; SELECT ml.predict('{model}', h) FROM higgs h LIMIT 1")
        if run.rows != [(str(self.counted_rows),)]:
            raise SystemExit(f"bench: {model} scored {run.rows} rows, not {self.counted_rows}")
        return run

    def monitor_counting(self):
        say(f"counting {self.counted_rows} scored rows")
        self.monitor_models()
        rows = []
        for model, title in (("linear", "linear, 28 features"), ("trees", TREES + ", 28 features")):
            runs = {"on": [], "off": []}
            for repeat in range(-1, 2 * self.options.repeat):            # the first time is for the caches
                for monitor, found in runs.items():
                    run = self.monitor_score(model, monitor)
                    if repeat >= 0:
                        found.append(run)
            ratio = least(runs["on"], "cpu") / least(runs["off"], "cpu")
            each = (least(runs["on"], "cpu") - least(runs["off"], "cpu")) / self.counted_rows / FEATURES * 1e9
            rows.append((title, *(f"{figure(least(runs[m], 'cpu'))} ({figure(median(runs[m], 'cpu'))})" for m in runs),
                         f"{ratio:.3f}", f"{each:.2f}"))
            if model == "trees":
                self.goal("monitor: counting costs at most 10 % of a scan that scores 100 trees", f"{ratio:.3f}", ratio <= 1.1)
            self.goal(f"monitor: counting costs at most 4 ns a feature and row, {title}", f"{each:.2f} ns", each <= 4)
        print(f"## Counting {self.counted_rows} scored rows\n\nCPU seconds of the statement: the least (the median).\n")
        print_table(("model", "counted", "not counted", "ratio of the least", "ns a feature and row"), rows)

    # --- the worker ------------------------------------------------------

    def monitor_worker(self):
        say(f"{WATCHED_MODELS} models for {WATCHED_SECONDS} seconds")
        seconds = max(5, int(WATCHED_SECONDS * min(self.options.scale, 1)))
        with self.monitored.connect() as conn:
            conn.query("CREATE TABLE few AS SELECT y, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10 FROM higgs LIMIT 5000")
            for i in range(WATCHED_MODELS):
                conn.query(f"SELECT ml.train('w{i}', 'few', 'y', algorithm => 'linear_regression', task => 'regression')")
            conn.query("SELECT ml.flush_monitor()")
            worker = int(conn.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_mlops worker'")[0][0])
            before, start, done = cpu_seconds(worker), time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                conn.query(f"SELECT count(ml.predict('w{done % WATCHED_MODELS}', t)) "
                           f"FROM (SELECT * FROM few LIMIT {ROWS_PER_STATEMENT}) t")
                done += 1
                wait = start + done * ROWS_PER_STATEMENT / ROWS_PER_SECOND - time.perf_counter()
                if wait > 0:
                    time.sleep(wait)
            wall = time.perf_counter() - start
            share = (cpu_seconds(worker) - before) / wall
            counted = int(conn.query("SELECT ml.flush_monitor(); SELECT sum(rows) FROM ml.windows WHERE model LIKE 'w%'")[0][0])
            judged = int(conn.query("SELECT count(*) FROM ml.drift WHERE model LIKE 'w%'")[0][0])
        if counted != done * ROWS_PER_STATEMENT:
            raise SystemExit(f"bench: {counted} rows were counted, {done * ROWS_PER_STATEMENT} scored")
        print(f"## The worker, {WATCHED_MODELS} models of 10 features\n")
        print_table(("rows a second", "seconds", "CPU of the worker, share of a core", "lines of ml.drift written"),
                    [(f"{counted / wall:.0f}", f"{wall:.0f}", f"{100 * share:.2f} %", str(judged))])
        self.goal("monitor: the worker takes less than 2 % of a core", f"{100 * share:.2f} %", share < 0.02)
