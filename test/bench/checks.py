"""The benchmark's section on checks of data, a part of Bench in test/bench/run."""
import json
import os
import resource
import subprocess
import sys
import time

from check_suite import BAD_AGE, COLUMNS, KEYS, NAMES, NUMBERS, ROW, SUITE, TEN, TEN_BY_HAND
from server import Run
from tables import Lines, both, figure, least, median, print_table

BANK_ROWS = 1_000_000
LARGE = 4
MEMORY = "SET maintenance_work_mem = '64MB'; SET work_mem = '4MB'; "
WORKERS = {"the server's default workers": 2, "no workers": 0}
BAD_EACH = 100
TEXT = ("objects", "categories")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measured_program(command):
    """Runs a program and returns the Run; its memory is not watched."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 0)


class Checks:
    """Checks of data: ml.check_data beside a plain aggregate and pandas, its memory, constraints, guards, files."""

    def section_checks(self):
        self.bank_rows = max(1000, int(BANK_ROWS * self.options.scale))
        self.load_bank()
        self.checks_scan()
        self.checks_memory()
        self.checks_constraint()
        self.checks_guard()
        self.checks_insert()
        self.checks_calls()
        self.checks_file()

    # --- data ------------------------------------------------------------

    def load_bank(self):
        say(f"loading bank, {self.bank_rows} and {LARGE * self.bank_rows} rows")
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        drawn = ", ".join(expression for _, _, expression in COLUMNS)
        others = ", ".join(NAMES[1:])
        with self.server.connect() as conn:
            conn.query(f"CREATE TABLE bank ({columns}); SELECT setseed(0.5); "
                       f"INSERT INTO bank SELECT {drawn} FROM generate_series(1, {self.bank_rows}) i")
            conn.query(f"CREATE TABLE bank_large AS SELECT id + k * {self.bank_rows} AS id, {others} "
                       f"FROM generate_series(0, {LARGE - 1}) k, bank")
            conn.query("VACUUM (FREEZE, ANALYZE) bank, bank_large")
            for suite, checks in (("bank", SUITE), ("bank_keys", SUITE + KEYS), ("ten", TEN), ("one", TEN[:1])):
                for kind, column, params in checks:
                    conn.query(f"SELECT ml.add_check('{suite}', '{kind}', '{{{column or ''}}}', '{json.dumps(params)}')")
            conn.query(f"COPY bank TO '{self.file('bank.csv')}' (FORMAT csv)")
            conn.query("COPY (SELECT " + ", ".join(
                f"CASE WHEN id % {BAD_EACH} = 0 THEN {BAD_AGE} ELSE age END" if name == "age" else name for name in NAMES)
                + f" FROM bank) TO '{self.file('bad.csv')}' (FORMAT csv)")

    def check_bank(self, suite, workers, table="bank"):
        run = self.server.measure(f"SELECT count(*), count(*) FILTER (WHERE status = 'pass') "
                                  f"FROM ml.check_data('{suite}', '{table}')",
                                  f"{MEMORY} SET max_parallel_workers_per_gather = {workers}", family=True)
        expected = str(len(SUITE) + (len(KEYS) if suite == "bank_keys" else 0))
        if run.rows != [(expected, expected)]:
            raise SystemExit(f"bench: suite {suite} has {run.rows} checks and passes, not {expected}")
        return run

    # --- a scan ----------------------------------------------------------

    def checks_scan(self):
        plain = "SELECT count(*), " + ", ".join(
            f"min({name}), max({name})" + (f", avg({name})" if name in NUMBERS else "") for name in NAMES) + " FROM bank"
        keys = "SELECT (SELECT count(DISTINCT id) FROM bank), (SELECT count(*) FROM (SELECT DISTINCT * FROM bank) d)"
        say("checking data, ours")
        runs = {}
        for repeat in range(-1, self.options.repeat):                   # the first time is for the caches
            for workers in WORKERS.values():
                for name, work in (
                        ("plain", lambda workers=workers: self.server.measure(
                            plain, f"{MEMORY} SET max_parallel_workers_per_gather = {workers}", family=True)),
                        ("bank", lambda workers=workers: self.check_bank("bank", workers)),
                        ("bank_keys", lambda workers=workers: self.check_bank("bank_keys", workers)),
                        ("keys", lambda workers=workers: self.server.measure(
                            keys, f"{MEMORY} SET max_parallel_workers_per_gather = {workers}", family=True))):
                    run = work()
                    if repeat >= 0:
                        runs.setdefault((name, workers), []).append(run)
        print(f"## {len(SUITE)} checks of {self.bank_rows} rows of {len(COLUMNS)} columns\n")
        lines = Lines()
        for how, workers in WORKERS.items():
            used = max(run.processes for run in runs["bank", workers]) - 1
            lines.add(f"ml.check_data, {len(SUITE)} checks, {how}", runs["bank", workers], f"{used} workers took part")
        for how, workers in WORKERS.items():
            lines.add(f"count(*), min, max, avg of the columns, {how}", runs["plain", workers])
            lines.add(f"ml.check_data with primary_key and duplicate_rows, {how}", runs["bank_keys", workers])
            lines.add(f"count(DISTINCT id), SELECT DISTINCT *, {how}", runs["keys", workers])
        if self.options.peers:
            self.checks_pandas(lines)
        lines.print("")
        for how, workers in WORKERS.items():
            self.checks_scan_goal(f"checks: {len(SUITE)} checks cost at most 3 times count, min, max, avg, {how}",
                                  runs["bank", workers], runs["plain", workers], 3)
            self.checks_scan_goal(f"checks: the same with primary_key and duplicate_rows, {how}",
                                  runs["bank_keys", workers], runs["plain", workers], None)

    def checks_scan_goal(self, text, ours, other, limit):
        wall, wall_least, cpu, cpu_least = (of(ours, what) / of(other, what) for what in ("wall", "cpu")
                                            for of in (median, least))
        self.goal(text, f"{figure(cpu)} (CPU; minima {figure(cpu_least)}), "
                  f"{figure(wall)} (wall; minima {figure(wall_least)})", None if limit is None else cpu <= limit)

    def checks_pandas(self, lines):
        out = self.file("out.csv")
        for text in TEXT:
            say(f"pandas, {text}")
            found = self.peer_process(1, "check_peers.py", "memory", text, self.file("bank.csv"), self.options.repeat)
            held = f"holds {figure(found['data_mb'])} MB of data"
            lines.add(f"pandas, in memory, text as {text}, {len(SUITE)} checks", [Run(*run) for run in found["suite"]], held)
            lines.add(f"the same with primary_key and duplicate_rows, text as {text}", [Run(*run) for run in found["keys"]])
        ways, stages = [], []
        for _ in range(self.options.repeat):
            copy = self.server.measure(f"COPY bank TO '{out}' (FORMAT csv)")
            report = self.peer_process(1, "check_peers.py", "way", "categories", out)
            steps = {"COPY out": copy, **{stage: Run(wall, cpu, 0) for stage, (wall, cpu) in report["stages"].items()}}
            ways.append(Run(sum(s.wall for s in steps.values()), sum(s.cpu for s in steps.values()), report["memory"]))
            stages.append(", ".join(f"{stage} {figure(step.wall)}" for stage, step in steps.items()))
        os.remove(out)
        lines.add("pandas, the whole way by CSV, text as categories", ways, stages[-1])

    def checks_memory(self):
        say("memory of checks")
        rows, peaks = [], {}
        for suite in ("bank", "bank_keys"):
            for workers in WORKERS.values():
                for table, times in (("bank", 1), ("bank_large", LARGE)):
                    run = self.check_bank(suite, workers, table)
                    peaks[suite, workers, times] = run.memory
                    rows.append((suite, times * self.bank_rows, run.processes - 1, figure(run.memory), figure(run.wall)))
        print("## Memory of ml.check_data over a fresh backend's, all processes, maintenance_work_mem 64 MB\n")
        print_table(("suite", "rows", "workers", "MB", "wall s"), rows)
        worst = max(peaks.values())
        self.goal("checks: memory is bounded, at most maintenance_work_mem (67 million bytes) for each process",
                  f"{figure(max(p for (_, w, _), p in peaks.items() if w == 0))} MB alone, {figure(worst)} MB with workers",
                  all(p <= 67.2 * (1 + workers) for (_, workers, _), p in peaks.items()))

    # --- rows ------------------------------------------------------------

    def checks_constraint(self):
        say("constraints")
        tables = {"none": None, "hand": TEN_BY_HAND, "valid": "ml.is_valid('ten', {table})"}
        for name, condition in tables.items():
            self.server.query(f"CREATE TABLE bank_{name} (LIKE bank)")
            if condition:
                self.server.query(f"ALTER TABLE bank_{name} ADD CHECK ({condition.format(table='bank_' + name)})")
        runs = {name: [] for name in tables}
        for repeat in range(-1, self.options.repeat):
            for name in tables:
                run = self.server.measure(f"INSERT INTO bank_{name} SELECT * FROM bank")
                self.server.query(f"TRUNCATE bank_{name}")
                if repeat >= 0:
                    runs[name].append(run)
        print(f"## INSERT INTO ... SELECT of {self.bank_rows} rows, ten checks\n")
        lines = Lines()
        lines.add("CHECK (ml.is_valid('s', t))", runs["valid"])
        lines.add("the same CHECK by hand", runs["hand"])
        lines.add("no CHECK", runs["none"])
        lines.print("")
        cpu, cpu_least, wall = ((of(runs["valid"], what) - of(runs["hand"], what)) / self.bank_rows * 1e9
                                for of, what in ((median, "cpu"), (least, "cpu"), (median, "wall")))
        self.goal("checks: a CHECK by ml.is_valid costs less than 1000 ns a row over one by hand",
                  f"{cpu:.0f} ns (CPU; minima {cpu_least:.0f}), {wall:.0f} ns (wall)", cpu < 1000)

    def guarded_copies(self):
        """Name -> table, file, what makes the table's guard, rows in the table, rows set aside."""
        n, bad = self.bank_rows, self.bank_rows // BAD_EACH

        def guard(suite, action):
            return f"SELECT ml.guard('{{}}', '{suite}', '{action}')"
        return {
            "unguarded": ("bank.csv", "SELECT '{}'", n, 0),
            "unguarded, rows with bad ones": ("bad.csv", "SELECT '{}'", n, 0),
            "a trigger that is never called": (
                "bank.csv", "CREATE TRIGGER never BEFORE INSERT ON {} FOR EACH ROW WHEN (false) "
                "EXECUTE FUNCTION suppress_redundant_updates_trigger()", n, 0),
            "guard of one check": ("bank.csv", guard("one", "quarantine"), n, 0),
            "quarantine, no bad row": ("bank.csv", guard("ten", "quarantine"), n, 0),
            "quarantine, 1 % bad": ("bad.csv", guard("ten", "quarantine"), n - bad, bad),
            "flag, 1 % bad": ("bad.csv", guard("ten", "flag"), n, bad),
            "reject, no bad row": ("bank.csv", guard("ten", "reject"), n, 0),
            f"quarantine by the suite of {len(SUITE)}, no bad row": ("bank.csv", guard("bank", "quarantine"), n, 0)}

    def copy_guarded(self, table, file, stored, aside):
        """Measures COPY and sees that exactly the bad rows are aside."""
        run = self.server.measure(f"COPY {table} FROM '{self.file(file)}' (FORMAT csv)")
        found = self.server.query(
            f"SELECT (SELECT count(*) FROM {table}), count(*), count(DISTINCT \"row\" ->> 'id'), "
            f"count(*) FILTER (WHERE (\"row\" ->> 'id')::bigint % {BAD_EACH} = 0 "
            f"AND (\"row\" ->> 'age')::integer = {BAD_AGE}) FROM ml.quarantine")[0]
        if found != tuple(str(x) for x in (stored, aside, aside, aside)):
            raise SystemExit(f"bench: {table} after COPY of {file}: rows, set aside, different, bad ones {found}, "
                             f"not {stored} and {aside}")
        self.server.query(f"TRUNCATE {table}; TRUNCATE ml.quarantine")
        return run

    def checks_guard(self):
        say("guards")
        copies = self.guarded_copies()
        runs = {name: [] for name in copies}
        for i, (_, make, _, _) in enumerate(copies.values()):
            self.server.query(f"CREATE TABLE guarded_{i} (LIKE bank)")
            self.server.query(make.format(f"guarded_{i}"))
        for repeat in range(-1, self.options.repeat):
            for i, (name, (file, _, stored, aside)) in enumerate(copies.items()):
                run = self.copy_guarded(f"guarded_{i}", file, stored, aside)
                if repeat >= 0:
                    runs[name].append(run)
        print(f"## COPY FROM a file of {self.bank_rows} rows of {len(COLUMNS)} columns, guards of ten checks\n")
        base = {"bank.csv": runs["unguarded"], "bad.csv": runs["unguarded, rows with bad ones"]}
        shares = {name: [f(base[copies[name][0]], what) / f(of, what)
                         for f, what in ((median, "cpu"), (least, "cpu"), (median, "wall"))] for name, of in runs.items()}
        print_table(("", "wall s: median (min)", "CPU s: median (min)", "thousand rows/s (CPU)",
                     "share of unguarded (CPU; minima)", "(wall)"),
                    [(name, both(of, "wall"), both(of, "cpu"), figure(self.bank_rows / median(of, "cpu") / 1000),
                      "{:.2f}; {:.2f}".format(*shares[name]), f"{shares[name][2]:.2f}") for name, of in runs.items()])
        for name in ("quarantine, no bad row", "quarantine, 1 % bad", "flag, 1 % bad", "reject, no bad row"):
            self.goal(f"checks: COPY into a guarded table, {name}: at least half the rows a second",
                      "{:.2f} (CPU; minima {:.2f}), {:.2f} (wall); exactly the bad rows set aside".format(*shares[name]),
                      shares[name][0] >= 0.5)

    def checks_insert(self):
        statements = {}
        for name, suite in (("unguarded", None), (f"guard of {len(TEN)} checks", "ten"),
                            (f"guard of {len(SUITE)} checks", "bank")):
            table = f"single_{suite or 'free'}"
            self.server.query(f"CREATE TABLE {table} (LIKE bank)")
            if suite:
                self.server.query(f"SELECT ml.guard('{table}', '{suite}')")
            statements[f"INSERT of one row, {name}"] = f"INSERT INTO {table} VALUES ($1, {ROW}) RETURNING 1"
        middle = self.latencies({"SELECT 1": "SELECT 1", **statements}, ", checks", "An INSERT of one row")
        for i, name in enumerate(statements):
            if i > 0:
                over, _, _, over_least = (a - b for a, b in zip(middle["prepared", i + 1], middle["prepared", 1]))
                self.goal(f"checks: {name}, over the unguarded one (p50)",
                          f"{figure(over)} us (minima {figure(over_least)})")

    def checks_calls(self):
        say("calls")
        statements = {
            "count(*)": "SELECT count(*) FROM bank",
            f"ml.is_valid, {len(TEN)} checks": "SELECT count(*) FROM bank t WHERE ml.is_valid('ten', t)",
            "the same by hand": f"SELECT count(*) FROM bank t WHERE {TEN_BY_HAND}",
            f"ml.is_valid, {len(SUITE)} checks": "SELECT count(*) FROM bank t WHERE ml.is_valid('bank', t)",
            f"ml.check_row, {len(TEN)} checks": "SELECT count(*) FROM bank t, ml.check_row('ten', t)",
            f"ml.check_row, {len(SUITE)} checks": "SELECT count(*) FROM bank t, ml.check_row('bank', t)"}
        learned = "SELECT ml.infer_checks('learned_{}', 'bank')"
        runs = {name: [] for name in statements}
        learning = []
        can_learn = self.server.query("SELECT count(*) FROM pg_proc WHERE pronamespace = 'ml'::regnamespace "
                                      "AND proname = 'infer_checks'") != [("0",)]
        for i in range(self.options.repeat):
            for name, sql in statements.items():
                runs[name].append(self.server.measure(sql))
            if can_learn:
                learning.append(self.server.measure(learned.format(i), MEMORY, family=True))
        print(f"## Calls over {self.bank_rows} rows, none of which fails\n")
        base = {of: of(runs["count(*)"], "cpu") for of in (median, least)}
        print_table(("", "wall s: median (min)", "CPU s: median (min)", "CPU ns a row over count(*): median, min"),
                    [(name, both(of, "wall"), both(of, "cpu"),
                      ", ".join(f"{(f(of, 'cpu') - base[f]) / self.bank_rows * 1e9:.0f}" for f in (median, least)))
                     for name, of in runs.items()])
        if can_learn:
            self.goal("checks: ml.infer_checks", f"{both(learning, 'wall')} s (wall), {both(learning, 'cpu')} s (CPU), "
                      f"{figure(max(run.memory for run in learning))} MB, {learning[0].rows[0][0]} checks")

    def checks_file(self):
        say("ml.check_file")
        path = self.file("large.csv")
        self.server.query(f"COPY bank_large TO '{path}' (FORMAT csv)")
        self.server.query("CREATE UNLOGGED TABLE from_file (LIKE bank)")
        runs = {"check": [], "wc": [], "COPY": []}
        for _ in range(self.options.repeat):
            runs["check"].append(self.server.measure(
                f"SELECT count(*) FROM ml.check_file('{path}', target => 'bank', header => false) WHERE status = 'fail'"))
            runs["wc"].append(measured_program(["wc", "-l", path]))
            runs["COPY"].append(self.server.measure(f"COPY from_file FROM '{path}' (FORMAT csv)"))
            self.server.query("TRUNCATE from_file")
        if {run.rows[0][0] for run in runs["check"]} != {"0"}:
            raise SystemExit("bench: ml.check_file finds something in what COPY wrote")
        print(f"## A csv file of {os.path.getsize(path) / 1e6:.0f} MB, {LARGE * self.bank_rows} records\n")
        lines = Lines()
        lines.add("ml.check_file", runs["check"])
        lines.add("wc -l", runs["wc"])
        lines.add("COPY into an unlogged table", runs["COPY"])
        lines.print("")
        os.remove(path)
