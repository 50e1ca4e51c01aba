"""The benchmark's section on gradient boosting, a part of Bench in test/bench/run."""
import os
import sys

from tables import Lines, added, both, figure, least, median, print_table

COLUMNS = 28
PARAMS = ('{"n_trees": 100, "max_leaves": 63, "learning_rate": 0.1, "max_bins": 255, "min_rows": 20, "l2": 1, '
          '"early_stopping": 0}')
PEERS = ("xgboost hist", "sklearn HistGradientBoosting", "LightGBM")
SMALL_ROWS, LARGE_ROWS = 200_000, 2_000_000
BOTH = {1: "one process", 2: "two processes"}
MEMORY_MB = 80


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Boosting:
    """Gradient boosting with 100 trees of 63 leaves: training, scoring, the whole way, growth with the rows, latency."""

    def boost(self, model, table, processes, rows):
        """Trains in so many processes, workers and their memory included, and returns the Run."""
        run = self.server.measure(self.train_sql(model, table, "classification", "gradient_boosting", PARAMS),
                                  f"SET max_parallel_workers_per_gather = {processes - 1}", family=True)
        if run.rows != [(str(rows),)]:
            raise SystemExit(f"bench: {model} trained on {run.rows}, not on {rows} rows")
        return run

    def boosting_quality(self, model):
        """AUC and log loss on the rows that the training did not see."""
        held_out = "SELECT * FROM higgs WHERE id % 5 = 0"
        found = dict(self.server.query(f"SELECT metric, value FROM ml.evaluate('{model}', '{held_out}')"))
        return {"auc": float(found["auc"]), "log_loss": float(found["log_loss"])}

    def section_boosting(self):
        self.load("higgs")
        rows = self.higgs_rows - self.higgs_rows // 5
        ours = {1: [], 2: []}
        self.server.measure("SELECT sum(f28) FROM higgs_train")
        say("gradient boosting, ours")
        for _ in range(self.options.repeat):
            for processes in ours:
                ours[processes].append(self.boost(f"boosting{processes}", "higgs_train", processes, rows))
        quality = {processes: self.boosting_quality(f"boosting{processes}") for processes in ours}
        names = PEERS if os.environ.get("LGBM_LIB") else PEERS[:2]
        peers = self.peers_in_memory(names, "higgs", COLUMNS, "skip-fifth") if self.options.peers else []
        self.boosting_training(ours, quality, peers, rows)
        self.boosting_scoring(peers)
        if peers:
            self.boosting_whole_way(rows, peers)
        self.boosting_growth()
        self.boosting_latency(peers)

    # --- training --------------------------------------------------------

    def boosting_training(self, ours, quality, peers, rows):
        print(f"## Gradient boosting, {rows} x {COLUMNS}, 100 trees of 63 leaves, 255 bins\n")
        lines = Lines()
        for processes, runs in ours.items():
            used = max(run.processes for run in runs)
            took_part = BOTH[processes] if used == processes else f"{BOTH[processes]} asked for, {used} took part"
            lines.add(f"ml.train, from the table, {took_part}", runs, self.boosting_said(quality[processes]))
        for peer in peers:
            lines.add(peer.title(), peer.runs, self.boosting_said(peer.quality))
        lines.print("AUC, log loss on the other rows")
        if peers:
            print(f"Memory is over the start of the training; a peer holds {figure(peers[0].data_mb)} MB of data at that "
                  "point. Ours is the anonymous memory of all processes and the shared memory that they make."
                  + ("" if os.environ.get("LGBM_LIB") else " LightGBM is absent: LGBM_LIB names no lib_lightgbm.so.") + "\n",
                  flush=True)
        self.boosting_training_goals(ours, quality, peers)

    def boosting_said(self, quality):
        return f"{quality['auc']:.5f}, {quality['log_loss']:.5f}"

    def boosting_training_goals(self, ours, quality, peers):
        alone = [peer for peer in peers if peer.threads == 1]
        if alone:
            best = min(alone, key=lambda p: median(p.runs, "cpu"))
            cpu, cpu_least, wall = (of(ours[1], what) / of(best.runs, what) for of, what in (
                (median, "cpu"), (least, "cpu"), (median, "wall")))
            self.goal(f"boosting: one process takes at most 0.7 times the best peer's seconds on one thread ({best.name})",
                      f"{figure(cpu)} (CPU; minima {figure(cpu_least)}), {figure(wall)} (wall)", cpu <= 0.7)
        wall, wall_least, cpu = (of(ours[2], what) / of(ours[1], what) for of, what in (
            (median, "wall"), (least, "wall"), (median, "cpu")))
        self.goal("boosting: two processes take at most 0.6 times the wall seconds of one",
                  f"{figure(wall)} (wall; minima {figure(wall_least)}), {figure(cpu)} (CPU)", wall <= 0.6)
        for processes, runs in ours.items():
            peak = max(run.memory for run in runs)
            self.goal(f"boosting: {BOTH[processes]} at most {MEMORY_MB} MB over the server's own", f"{figure(peak)} MB",
                      peak <= MEMORY_MB)
        auc, loss = quality[1]["auc"], quality[1]["log_loss"]
        self.goal("boosting: AUC at least 0.759 on the other rows", f"{auc:.5f}", auc >= 0.759)
        self.goal("boosting: log loss at most 0.584 on the other rows", f"{loss:.5f}", loss <= 0.584)
        different = int(self.server.query("SELECT count(*) FROM higgs t WHERE ml.probability('boosting1', t) "
                                          "IS DISTINCT FROM ml.probability('boosting2', t)")[0][0])
        self.goal("boosting: one and two processes make models that score alike, bit for bit",
                  f"{different} rows differ", different == 0)

    # --- scoring ---------------------------------------------------------

    def boosting_scoring(self, peers):
        say("scoring with boosted trees, ours")
        statements = {"sum(ml.probability('m', t)), one backend": "SELECT sum(ml.probability('boosting1', t)) FROM higgs t",
                      "sum(f28), no scoring": "SELECT sum(f28) FROM higgs"}
        runs = {name: [] for name in statements}
        for sql in statements.values():
            self.server.measure(sql)
        for _ in range(self.options.repeat):
            for name, sql in statements.items():
                runs[name].append(self.server.measure(sql))
        print(f"## Scoring {self.higgs_rows} rows of {COLUMNS} columns with 100 trees of 63 leaves\n")
        print_table(("", "wall s: median (min)", "CPU s: median (min)", "thousand rows/s (CPU)", "thousand rows/s (wall)"),
                    [(name, both(of, "wall"), both(of, "cpu"), figure(self.higgs_rows / median(of, "cpu") / 1000),
                      figure(self.higgs_rows / median(of, "wall") / 1000))
                     for name, of in list(runs.items()) + [(peer.title(), peer.predict) for peer in peers]])
        cpu, best, wall = (self.higgs_rows / of(next(iter(runs.values())), what) / 1000 for of, what in (
            (median, "cpu"), (least, "cpu"), (median, "wall")))
        self.goal(f"boosting: scoring whole rows of {COLUMNS} columns, at least 600 thousand rows/s a backend",
                  f"{figure(cpu)} thousand (CPU; best {figure(best)}), {figure(wall)} thousand (wall)", cpu >= 600)

    # --- the whole way ---------------------------------------------------

    def boost_and_score(self, processes, rows):
        """Training and CREATE TABLE AS, each in a fresh backend."""
        score = f"CREATE TABLE scored AS SELECT id, ml.probability('boosting{processes}', t) AS score FROM higgs t"
        steps = [self.boost(f"boosting{processes}", "higgs_train", processes, rows),
                 self.server.measure(score, f"SET max_parallel_workers_per_gather = {processes - 1}", family=True)]
        self.server.query("DROP TABLE scored")
        return steps

    def boosting_whole_way(self, rows, peers):
        lines, ours, theirs = Lines(), {}, {}
        for processes in BOTH:
            say(f"whole way, ours, {BOTH[processes]}")
            steps = self.times(lambda: self.boost_and_score(processes, rows))
            ours[processes] = added(*zip(*steps))
            train, score = (median([step[i] for step in steps], "wall") for i in (0, 1))
            lines.add(f"ml.train, then CREATE TABLE AS of every row scored, {BOTH[processes]}", ours[processes],
                      f"train {figure(train)}, score and write {figure(score)}")
        for threads in sorted({peer.threads for peer in peers}):
            best = min((peer for peer in peers if peer.threads == threads), key=lambda p: median(p.runs, "wall"))
            theirs[threads] = best.name, self.whole_ways(lines, best, "higgs", COLUMNS, "skip-fifth")
        print("## Gradient boosting, the whole way: train, score every row, the scores in a table\n")
        lines.print("seconds of the stages")
        for processes in sorted(set(BOTH) & set(theirs)):
            name, runs = theirs[processes]
            wall, cpu = (median(ours[processes], what) / median(runs, what) for what in ("wall", "cpu"))
            self.goal(f"boosting, train and score in {BOTH[processes]}: at most 0.45 times the quicker whole way of {name} "
                      f"with as many threads", f"{figure(wall)} (wall), {figure(cpu)} (CPU)", wall <= 0.45)

    # --- more rows, and one row ------------------------------------------

    def boosting_growth(self):
        """The time of training on ten times as many rows."""
        sizes = {name: max(1000, int(rows * self.options.scale))
                 for name, rows in (("higgs_small", SMALL_ROWS), ("higgs_large", LARGE_ROWS))}
        say(f"loading higgs_large, {sizes['higgs_large']} rows")
        features = ", ".join(f"f{j} float8" for j in range(1, COLUMNS + 1))
        with self.server.connect() as conn:
            conn.query(f"CREATE TABLE higgs_large (id bigint, y integer, {features}); COPY higgs_large FROM PROGRAM "
                       f"'{self.file('gen')} higgs {sizes['higgs_large']} pgcopy' (FORMAT binary)")
            conn.query(f"CREATE TABLE higgs_small AS SELECT * FROM higgs_large WHERE id <= {sizes['higgs_small']}")
            conn.query("VACUUM (FREEZE, ANALYZE) higgs_large, higgs_small")
        runs = {table: [] for table in sizes}
        for table in sizes:
            self.server.measure(f"SELECT sum(f28) FROM {table}")
        for _ in range(self.options.repeat):
            for table, rows in sizes.items():
                say(f"training on {table}")
                runs[table].append(self.boost(table, table, 1, rows))
        self.server.query("DROP TABLE higgs_large, higgs_small")
        print("## Gradient boosting, growth with the rows, one process\n")
        print_table(("rows", "wall s: median (min)", "CPU s: median (min)", "memory MB", "us a row (CPU)"),
                    [(sizes[table], both(of, "wall"), both(of, "cpu"), figure(max(run.memory for run in of)),
                      figure(median(of, "cpu") / sizes[table] * 1e6)) for table, of in runs.items()])
        cpu, cpu_least, wall = (of(runs["higgs_large"], what) / of(runs["higgs_small"], what) for of, what in (
            (median, "cpu"), (least, "cpu"), (median, "wall")))
        self.goal("boosting: ten times the rows take at most 11 times the seconds",
                  f"{figure(cpu)} (CPU; minima {figure(cpu_least)}), {figure(wall)} (wall)", cpu <= 11)

    def boosting_latency(self, peers):
        statements = {
            "SELECT 1": "SELECT 1",
            "f28 of one row by key": "SELECT f28 FROM higgs WHERE id = $1",
            "ml.probability, 100 trees, one row by key": "SELECT ml.probability('boosting1', h) FROM higgs h WHERE id = $1"}
        middle = self.latencies(statements, ", boosted trees")
        alone = [f"{peer.name} {figure(peer.one_row)}" for peer in peers if peer.threads == 1 and peer.one_row]
        if alone:
            print("One row that is in the memory of the peer's process already, us: " + ", ".join(alone) + ".\n", flush=True)
        p50, _, _, fastest = middle["prepared", 2]
        self.goal("boosting: one row by key, prepared, at most 40 us there and back (p50)",
                  f"{figure(p50)} us (minimum {figure(fastest)}; SELECT 1 {figure(middle['prepared', 0][0])})", p50 <= 40)
        first = (middle["first", 2][0] - middle["first", 0][0]) / 1000
        self.goal("boosting: first call in a connection, at most 5 ms over SELECT 1 (p50)", f"{figure(first)} ms",
                  first <= 5)
