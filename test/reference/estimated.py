#!/usr/bin/python3
"""Compares the estimates of ml.quality, which need no labels, with what came true and with a computation of its own.

A model learns from the rows with an even id, one in five of which is held out; the rows with an odd id are scored.
The computation takes probabilities and held-out labels, and knows nothing of what the server counted: expected
confusion counts from sums of scores in 20 bins, the scores replaced by isotonic shares where these lower the expected
calibration error in cross-fit. The server is one of its own, since counting needs the library preloaded.
"""
import os
import shutil
import subprocess
import tempfile

from _reference import ROOT, dataset, finish, identifier, literal, note, psql, report, rows_of, skip, start, store

BINS = 20
METRICS = ("accuracy", "precision", "recall", "f1", "auc")
MASK = (1 << 64) - 1


def fold(b, row, repeat):
    """The third of a row in a bin; positives come first."""
    z = (row * 64 + b + 0x9e3779b97f4a7c15 * (repeat + 1)) & MASK
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb & MASK
    return ((z ^ (z >> 31)) >> 33) % 3


def ascending(n, k):
    """Shares of positives that ascend, by the definition: the greatest of least means over bins that have rows."""
    filled = [b for b in range(BINS) if n[b] > 0]

    def fitted(at):
        return max(min(sum(k[b] for b in filled[i:j + 1]) / sum(n[b] for b in filled[i:j + 1])
                       for j in range(at, len(filled))) for i in range(at + 1))

    shares = [fitted(at) for at in range(len(filled))]
    out = []
    for b in range(BINS):
        below = [s for s, f in zip(shares, filled) if f <= b]
        out.append(below[-1] if below else shares[0])
    return out


def calibrates(n, k, s):
    """Whether isotonic shares do better than scores on thirds that they did not see."""
    raw = isotonic = 0.0
    for repeat in range(3):
        parts = [[[0, 0] for _ in range(BINS)] for _ in range(3)]
        for b in range(BINS):
            for i in range(n[b]):
                cell = parts[fold(b, i, repeat)][b]
                cell[0] += 1
                cell[1] += i < k[b]
        for part in parts:
            share = ascending([n[b] - part[b][0] for b in range(BINS)], [k[b] - part[b][1] for b in range(BINS)])
            for b in range(BINS):
                if part[b][0]:
                    raw += abs(part[b][1] - part[b][0] * s[b] / n[b])
                    isotonic += abs(part[b][1] - part[b][0] * share[b])
    return isotonic < raw


def binned(rows):
    """Rows, positives and sums of scores of each bin."""
    n, k, s = [0] * BINS, [0] * BINS, [0.0] * BINS
    for r in rows:
        b = min(int(r["p"] * BINS), BINS - 1)
        n[b] += 1
        k[b] += r["y"]
        s[b] += r["p"]
    return n, k, s


def figures(n, k):
    """The metrics of bins of which k rows are positive, by expectation."""
    half = BINS // 2
    tp, fn = sum(k[half:]), sum(k[:half])
    fp, tn = sum(n[half:]) - tp, sum(n[:half]) - fn
    pairs = sum((n[b] - k[b]) * (sum(k[b + 1:]) + k[b] / 2) for b in range(BINS))
    return {"accuracy": (tp + tn) / sum(n), "precision": tp / (tp + fp), "recall": tp / (tp + fn),
            "f1": 2 * tp / (2 * tp + fp + fn), "auc": pairs / ((tp + fn) * (fp + tn))}


def compare(name, target, positive, algorithm, leave_out, held_out):
    """One model, of which the rows whose id ends in held_out are not trained on; whether each metric was within."""
    frame = dataset(name)
    title = "%s without %d, %s" % (name, held_out, algorithm)
    if frame is None:
        skip(title, "no folder of data sets")
        return {}
    table = "%s_%d_%s" % (name, held_out, algorithm[:5])
    source = store(table, {c: v for c, v in frame.items() if c not in leave_out})
    columns = ", ".join(identifier(c) for c in frame if c not in leave_out + ("id",))
    model = literal(table)
    psql("""SELECT FROM ml.train(%s, %s, %s, %s, params => %s, split => '{"method": "column", "column": "held_out"}');
            SELECT ml.set_monitor(%s, window_length => '366 days');
            SELECT count(ml.probability(%s, r)) FROM %s r WHERE id %% 2 = 1;
            SELECT ml.flush_monitor();"""
         % (model, literal("SELECT %s, id %% 10 = %d AS held_out FROM %s WHERE id %% 2 = 0" % (columns, held_out, source)),
            literal(target), literal(algorithm), literal({"positive_class": positive}), model, model, source))
    scores = ("SELECT ml.probability(%s, r) AS p, (r.%s::text = %s)::int AS y FROM %s r WHERE id %% "
              % (literal(table + "/1"), identifier(target), literal(positive), source))
    n, k, s = binned(rows_of(scores + "10 = %d" % held_out))
    isotonic = calibrates(n, k, s)
    share = ascending(n, k)
    rows, _, sums = binned(rows_of(scores + "2 = 1"))
    want = figures(rows, [rows[b] * share[b] for b in range(BINS)] if isotonic else sums)
    told = {r["metric"]: r for r in rows_of("SELECT * FROM ml.quality WHERE model = %s AND kind = 'estimated'" % model)}
    report("%s: all rows are counted" % title, {r["n"] for r in told.values()} == {sum(rows)}, told)
    report("%s: the note says whether scores were calibrated" % title,
           {"calibrated" in r["note"] for r in told.values()} == {isotonic}, told)
    worst = max(abs(told[m]["value"] - want[m]) for m in METRICS)
    report("%s: estimates are those of a direct computation" % title, worst <= 1e-9, (worst, want, told))
    came = {r["metric"]: r["value"] for r in rows_of("SELECT metric, value FROM ml.evaluate(%s, %s)" % (
        literal(table + "/1"), literal("SELECT %s FROM %s WHERE id %% 2 = 1" % (columns, source))))}
    for m in METRICS:
        note("%-36s %-10s estimated %.4f (%.4f to %.4f), realised %.4f"
             % (title, m, told[m]["value"], told[m]["low"], told[m]["high"], came[m]))
    note("%s: largest difference from the direct computation %.1e" % (title, worst))
    return {m: told[m]["low"] <= came[m] <= told[m]["high"] for m in METRICS}


def main():
    home = tempfile.mkdtemp()
    cluster = ["sh", os.path.join(ROOT, "test", "cluster")]
    subprocess.run(cluster + ["start", home, "fsync=off", "shared_preload_libraries=pg_mlops"], check=True)
    try:
        os.environ.update(PGHOST=home, PGPORT="5432", PGUSER="postgres", PGDATABASE="postgres")
        psql("CREATE EXTENSION pg_mlops;")
        start()
        within = []
        for algorithm in ("logistic_regression", "gradient_boosting"):
            adult = compare("adult", "income", ">50K", algorithm, ("part",), 0)
            report("adult, %s: what came true lies within the intervals" % algorithm, all(adult.values()), adult)
            # small sets, of which every tenth of the rows is held out once
            for held_out in (0, 2, 4, 6, 8):
                within += compare("telco_churn", "churn", "Yes", algorithm, ("customerid",), held_out).values()
                within += compare("higgs_7500", "label", "1", algorithm, ("part",), held_out).values()
        note("%d of %d figures of small sets that came true lie within the 95 %% interval" % (sum(within), len(within)))
        # the five figures of a model go together
        report("small sets: 85 % and more of what came true lies within the 95 % intervals",
               sum(within) >= 0.85 * len(within), within)
    finally:
        subprocess.run(cluster + ["stop", home], check=True)
        shutil.rmtree(home)
    finish()


if __name__ == "__main__":
    main()
