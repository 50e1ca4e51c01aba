#!/usr/bin/python3
"""Compares the limits of ml.evaluate, and ml.confusion, ml.roc and ml.calibration, with other people's code.

Limits of auc are those of R's pROC, by DeLong's method, and of shares those of statsmodels, by Wilson's, both to 1e-9.
Limits from the bootstrap are compared with a bootstrap in numpy, to a quarter of the distance between value and limit:
two times a thousand draws of rows leave four standard deviations of such a limit no more than that. The tables behind
the curves are those of scikit-learn.
"""
import tempfile
import warnings

import numpy as np
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint

from _reference import (agree, dataset, difference, finish, identifier, literal, note, report, rows_of, run_r, skip,
                        start, store, train)

REPLICATES = 1000
TOLERANCE = 1e-9


def limits_of_area(label, p):
    """What pROC says: low, value, high; empty without the package."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as f:
        f.write("label,p\n" + "".join("%d,%r\n" % pair for pair in zip(label.tolist(), p.tolist())))
        f.flush()
        return {name: float(value) for _, name, value in
                (line.split("\t") for line in run_r("area", f.name).splitlines())}


def calibration_error(label, p):
    bins = np.minimum((p * 10).astype(int), 9)
    return sum(abs(p[bins == b].sum() - label[bins == b].sum()) for b in range(10)) / len(p)


def resample(rows, metric, centered=False):
    """The limits of a metric, a function of an array of row numbers, from rows drawn with replacement."""
    r = np.random.default_rng(20)
    drawn = np.array([metric(r.integers(0, rows, rows)) for _ in range(REPLICATES)])
    shift = metric(np.arange(rows)) - drawn.mean() if centered else 0
    return np.quantile(drawn, [0.025, 0.975]) + shift


def check_bootstrap(name, got, rows, metric, centered=False):
    """One test: both limits are where numpy's are, as far as chance allows."""
    low, high = resample(rows, metric, centered)
    room = 0.25 * (high - low) / 2 + 1e-12
    low = max(low, 0) if centered else low
    report(name, got["low"] <= got["value"] <= got["high"] and abs(got["low"] - low) <= room
           and abs(got["high"] - high) <= room,
           "%r to %r, wanted about %r to %r" % (got["low"], got["high"], low, high))


def evaluate(ref, source, slices=()):
    return rows_of("SELECT * FROM ml.evaluate(%s, %s, %s)" % (literal(ref), literal(source), literal(list(slices))))


def figures(rows, key=None, value=None):
    return {r["metric"]: r for r in rows if r["slice_key"] == key and r["slice_value"] == value}


def check_area(name, got, label, p):
    want = limits_of_area(label, p)
    if not want:
        skip(name, "R has no package pROC")
        return
    agree(name, {k: got[k] for k in want}, want, TOLERANCE)


def check_shares(name, got, label, decided):
    """The three shares of two classes."""
    hits = int((label & decided).sum())
    for metric, part, whole in (("accuracy", int((label == decided).sum()), len(label)),
                                ("precision", hits, int(decided.sum())), ("recall", hits, int(label.sum()))):
        low, high = proportion_confint(part, whole, method="wilson")
        agree("%s, limits of %s" % (name, metric), {k: got[metric][k] for k in ("value", "low", "high")},
              {"value": part / whole, "low": low, "high": high}, TOLERANCE)


def check_tables(name, ref, source, label, decided, p, classes):
    """Confusion, receiver operating characteristic and calibration against scikit-learn."""
    call = "%s, %s" % (literal(ref), literal(source))
    got = rows_of("SELECT * FROM ml.confusion(%s)" % call)
    table = sk.confusion_matrix(np.array(classes)[label.astype(int)], np.array(classes)[decided.astype(int)],
                                labels=sorted(classes))
    want = [{"actual": a, "predicted": b, "n": int(table[i, j])}
            for i, a in enumerate(sorted(classes)) for j, b in enumerate(sorted(classes))]
    report(name + ", confusion", got == want, "%s\nwanted %s" % (got, want))

    got = rows_of("SELECT threshold::text, false_positive_rate AS f, true_positive_rate AS t FROM ml.roc(%s)" % call)
    fpr, tpr, thresholds = sk.roc_curve(label, p, drop_intermediate=False)
    report(name + ", first threshold", got[0] == {"threshold": "Infinity", "f": 0, "t": 0}, got[0])
    report(name + ", thresholds", [float(r["threshold"]) for r in got[1:]] == thresholds[1:].tolist(),
           "%d points, wanted %d" % (len(got), len(thresholds)))
    worst = max(max(abs(r["f"] - f), abs(r["t"] - t)) for r, f, t in zip(got, fpr, tpr))
    report(name + ", rates", len(got) == len(fpr) and worst <= 1e-15, "off by %g" % worst)

    for bins in (10, 7):
        got = rows_of("SELECT * FROM ml.calibration(%s, %d)" % (call, bins))
        share, mean = calibration_curve(label, p, n_bins=bins)
        full = [r for r in got if r["n"] > 0]
        worst = max([difference(r["observed_share"], s) for r, s in zip(full, share)]
                    + [difference(r["mean_probability"], m) for r, m in zip(full, mean)])
        report("%s, calibration in %d bins" % (name, bins),
               len(got) == bins and len(full) == len(share) and worst <= 1e-12
               and sum(r["n"] for r in got) == len(label), "off by %g" % worst)
        worst = 0
        for r in full:
            n = r["n"]
            low, high = proportion_confint(round(r["observed_share"] * n), n, method="wilson")
            worst = max(worst, abs(r["low"] - low), abs(r["high"] - high))
        report("%s, limits of %d bins" % (name, bins), worst <= 1e-12, "off by %g" % worst)


def two_classes(name, target, positive, exclude, by):
    frame = dataset(name)
    if frame is None:
        skip(name, "no folder of data sets")
        return
    source = store(name, frame)
    ref = train(name, "SELECT * FROM %s WHERE id %% 5 <> 0" % source, target, algorithm="logistic_regression",
                exclude=exclude, params={"positive_class": positive})["ref"]
    held_out = "SELECT * FROM %s WHERE id %% 5 = 0" % source
    rows = rows_of("SELECT %s AS y, ml.probability(%s, t) AS p, ml.predict(%s, t, NULL::text) AS d, %s AS s FROM (%s) t"
                   % (identifier(target), literal(ref), literal(ref), identifier(by), held_out))
    label = np.array([r["y"] == positive for r in rows])
    p = np.array([r["p"] for r in rows], dtype=float)
    decided = np.array([r["d"] == positive for r in rows])
    group = np.array([r["s"] for r in rows])
    all_rows = evaluate(ref, held_out, [by])
    got = figures(all_rows)
    check_area(name + ", limits of auc", got["auc"], label, p)
    check_shares(name, got, label, decided)
    for value in sorted(set(group.tolist())):
        here = group == value
        if label[here].all() or not label[here].any():
            continue
        part = figures(all_rows, by, value)
        check_area("%s, %s = %s, limits of auc" % (name, by, value), part["auc"], label[here], p[here])
        check_shares("%s, %s = %s" % (name, by, value), part, label[here], decided[here])
    other = [c for c in sorted(set(frame[target])) if c != positive][0]
    check_tables(name, ref, held_out, label, decided, p, [other, positive])
    if len(label) > 2000:
        note("%s: the bootstrap is compared on smaller data sets" % name)
        return
    for metric, of in (
            ("log_loss", lambda i: -np.log(np.where(label, p, 1 - p)[i]).mean()),
            ("brier", lambda i: ((label - p)[i] ** 2).mean()),
            ("f1", lambda i: 2 * (label & decided)[i].sum() / (label[i].sum() + decided[i].sum())),
            ("mcc", lambda i: np.corrcoef(label[i], decided[i])[0, 1]),
            ("average_precision", lambda i: sk.average_precision_score(label[i], p[i]))):
        check_bootstrap("%s, limits of %s" % (name, metric), got[metric], len(label), of)
    check_bootstrap(name + ", limits of calibration_error", got["calibration_error"], len(label),
                    lambda i: calibration_error(label[i], p[i]), centered=True)


def regression(name, target, exclude):
    frame = dataset(name)
    source = store(name, frame)
    ref = train(name, "SELECT * FROM %s WHERE id %% 2 = 0" % source, target, algorithm="linear_regression",
                exclude=exclude)["ref"]
    held_out = "SELECT * FROM %s WHERE id %% 2 = 1" % source
    rows = rows_of("SELECT %s AS y, ml.predict(%s, t) AS p FROM (%s) t" % (identifier(target), literal(ref), held_out))
    y = np.array([r["y"] for r in rows], dtype=float)
    p = np.array([r["p"] for r in rows], dtype=float)
    got = figures(evaluate(ref, held_out))
    for metric, of in (("rmse", lambda i: np.sqrt(((y - p)[i] ** 2).mean())),
                       ("mae", lambda i: np.abs((y - p)[i]).mean()),
                       ("mape", lambda i: np.abs(((y - p) / y)[i]).mean()),
                       ("r2", lambda i: sk.r2_score(y[i], p[i]))):
        check_bootstrap("%s, limits of %s" % (name, metric), got[metric], len(y), of)


def more_classes(name, target, exclude):
    frame = dataset(name)
    source = store(name, frame)
    ref = train(name, "SELECT * FROM %s WHERE id %% 2 = 0" % source, target, algorithm="logistic_regression",
                exclude=exclude, params={"l2": 5})["ref"]
    held_out = "SELECT * FROM %s WHERE id %% 2 = 1" % source
    rows = rows_of("SELECT %s::text AS y, ml.predict(%s, t, NULL::text) AS d, ml.probabilities(%s, t) AS p FROM (%s) t"
                   % (identifier(target), literal(ref), literal(ref), held_out))
    y = np.array([r["y"] for r in rows])
    decided = np.array([r["d"] for r in rows])
    p = np.array([r["p"][r["y"]] for r in rows], dtype=float)
    got = figures(evaluate(ref, held_out))
    low, high = proportion_confint(int((y == decided).sum()), len(y), method="wilson")
    agree(name + ", limits of accuracy", {k: got["accuracy"][k] for k in ("low", "high")}, {"low": low, "high": high},
          TOLERANCE)
    for metric, of in (("log_loss", lambda i: -np.log(p[i]).mean()),
                       ("macro_f1", lambda i: sk.f1_score(y[i], decided[i], average="macro"))):
        check_bootstrap("%s, limits of %s" % (name, metric), got[metric], len(y), of)
    classes = sorted(set(y.tolist()))
    table = sk.confusion_matrix(y, decided, labels=classes)
    report(name + ", confusion", rows_of("SELECT * FROM ml.confusion(%s, %s)" % (literal(ref), literal(held_out)))
           == [{"actual": a, "predicted": b, "n": int(table[i, j])}
               for i, a in enumerate(classes) for j, b in enumerate(classes)])


warnings.simplefilter("ignore")
start()
two_classes("adult", "income", ">50K", ["id", "part"], "sex")
two_classes("credit_g", "class", "good", ["id"], "foreign_worker")
two_classes("breast_cancer", "class", "benign", ["id"], "class")
regression("diabetes", "target", ["id"])
more_classes("wine", "class", ["id"])
more_classes("digits", "digit", ["id"])
finish()
