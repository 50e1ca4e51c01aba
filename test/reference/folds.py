#!/usr/bin/python3
"""Compares cross-validation with scikit-learn's on the same folds: every metric of every fold, means and spreads.

Folds given by a column, groups as GroupKFold has them and times as TimeSeriesSplit has them, to 1e-9. And on real data: a copy of the label is named in notes,
no group is on both sides, and every row is judged once.
"""
import warnings

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (accuracy_score, average_precision_score, brier_score_loss, f1_score, log_loss,
                             matthews_corrcoef, mean_absolute_error, mean_absolute_percentage_error,
                             mean_squared_error, precision_score, r2_score, recall_score, roc_auc_score)
from sklearn.model_selection import GroupKFold, PredefinedSplit, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _reference import (Measured, agree, complete, dataset, finish, literal, report, rows_of, skip, start, store, train,
                        where)

measured = Measured()
random = np.random.default_rng(7)

NUMBERS = {"rmse": lambda y, y_hat: np.sqrt(mean_squared_error(y, y_hat)), "mae": mean_absolute_error, "r2": r2_score,
           "mape": mean_absolute_percentage_error}
CHOICES = {"accuracy": accuracy_score, "f1": f1_score, "precision": precision_score, "recall": recall_score,
           "mcc": matthews_corrcoef}
CHANCES = {"auc": roc_auc_score, "average_precision": average_precision_score, "brier": brier_score_loss,
           "log_loss": log_loss}


def scorers(numbers):
    def of_value(f):
        return lambda model, x, y: f(y, model.predict(x))

    def of_chance(f):
        return lambda model, x, y: f(y, model.predict_proba(x)[:, 1])

    out = {m: of_value(f) for m, f in (NUMBERS if numbers else CHOICES).items()}
    out.update({} if numbers else {m: of_chance(f) for m, f in CHANCES.items()})
    return out


def folds_of(row):
    """Figures of each fold: metric -> list in the order of the folds."""
    out = {}
    for line in rows_of("SELECT substr(m.name, 4) AS name, m.step, m.value FROM ml.run_metrics m JOIN ml.versions v USING "
                        "(run_id) WHERE v.model = %s AND v.version = %d AND m.name LIKE 'cv\\_%%' AND m.step > 0 "
                        "ORDER BY 1, 2" % (literal(row["model"]), row["version"])):
        out.setdefault(line["name"], []).append(line["value"])
    return out


def compare(name, row, model, x, y, splitter, groups=None, tolerance=1e-9):
    numbers = row["task"] == "regression"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = cross_validate(model, x, y, groups=groups, cv=splitter, scoring=scorers(numbers))
    ours = folds_of(row)
    wanted = {m: list(map(float, peer["test_" + m])) for m in scorers(numbers)}
    flat = {(m, f): v for m in wanted for f, v in enumerate(wanted[m])}
    got = {(m, f): v for m in wanted for f, v in enumerate(ours.get(m, []))}
    d = agree("%s: each fold as in scikit-learn" % name, got, flat, tolerance)
    measured.add("folds, " + row["algorithm"], d)
    metrics = row["metrics"]
    agree("%s: means" % name, {m: metrics["cv_" + m] for m in wanted}, {m: float(np.mean(v)) for m, v in wanted.items()},
          tolerance)
    agree("%s: spreads" % name, {m: metrics["cv_%s_stddev" % m] for m in wanted},
          {m: float(np.std(v, ddof=1)) for m, v in wanted.items()}, 1e3 * tolerance)
    report("%s: the means are the metrics" % name, all(metrics[m] == metrics["cv_" + m] for m in wanted), metrics)


def matrix(frame, features):
    return np.column_stack([np.array(frame[f], dtype=float) for f in features])


def linear(frame, features, target):
    n = len(frame[target])
    x, y = matrix(frame, features), np.array(frame[target], dtype=float)
    arguments = dict(algorithm="linear_regression", task="regression", features=features)

    frame["fold"] = [int(f) for f in random.integers(0, 5, n)]
    source = store("given", {c: frame[c] for c in features + [target, "fold"]})
    row = train("given", source, target, split={"method": "column", "column": "fold", "folds": 5}, **arguments)
    compare("linear, given folds", row, LinearRegression(), x, y, PredefinedSplit(frame["fold"]))

    # groups of different sizes: group g has g rows and more
    sizes = np.array([g + 1 for g in range(200)])
    groups = np.repeat(np.arange(200), sizes)[:n]
    last = int(groups[-1])
    groups[groups == last] = last - 1
    frame["who"] = ["g%d" % g for g in groups]
    source = store("grouped", {c: frame[c] for c in features + [target, "who"]})
    row = train("grouped", source, target, split={"method": "group", "column": "who", "folds": 6}, **arguments)
    compare("linear, groups", row, LinearRegression(), x, y, GroupKFold(6), groups=frame["who"])

    order = random.permutation(n)
    frame["at"] = [int(t) for t in np.argsort(order)]
    source = store("chained", {c: frame[c] for c in features + [target, "at"]})
    row = train("chained", source, target, split={"method": "time", "column": "at", "folds": 4}, **arguments)
    compare("linear, times", row, LinearRegression(), x[order], y[order], TimeSeriesSplit(4))


def logistic(frame, features, target, positive):
    n = len(frame[target])
    x, y = matrix(frame, features), np.array([v == positive for v in frame[target]], dtype=int)
    frame["fold"] = [int(f) for f in random.integers(10, 15, n)]
    source = store("labels", {c: frame[c] for c in features + [target, "fold"]})
    row = train("labels", source, target, split={"method": "column", "column": "fold", "folds": 5},
                algorithm="logistic_regression", task="classification", features=features,
                params={"l2": 0, "positive_class": positive})
    peer = make_pipeline(StandardScaler(), LogisticRegression(penalty=None, tol=1e-12, solver="newton-cholesky",
                                                              max_iter=1000))
    compare("logistic, given folds", row, peer, x, y, PredefinedSplit(frame["fold"]))


def judged_once(frame, features, target):
    """Plain, stratified and grouped folds judge each row once: the notes count them."""
    n = len(frame[target])
    source = store("once", {c: frame[c] for c in features + [target, "education"]})
    for kind, split in (("plain", {"folds": 5}), ("stratified", {"folds": 5, "stratified": True}),
                        ("grouped", {"folds": 5, "method": "group", "column": "education"})):
        row = train("once " + kind, source, target, split=split, algorithm="logistic_regression", features=features)
        report("every row is judged once: %s" % kind, any("%d rows judged" % n in note for note in row["notes"]),
               row["notes"])


def leaks(frame, features, target, positive):
    """A copy of the label is named, and nothing else of a real table."""
    frame["told"] = [v == positive for v in frame[target]]
    frame["row"] = list(range(len(frame[target])))
    source = store("leaks", {c: frame[c] for c in features + [target, "told", "row"]})
    for algorithm in ("logistic_regression", "gradient_boosting"):
        row = train("leaks " + algorithm, source, target, split={"test": 0.2}, algorithm=algorithm)
        named = [c for c in features + ["told"]
                 if any(note.startswith(('column "%s" alone' % c, 'column "%s" equals' % c)) for note in row["notes"])]
        report("%s: the copy of the label is named, and nothing else" % algorithm, named == ["told"], row["notes"])
        report("%s: the number of the row is named" % algorithm,
               any('column "row" has a different whole number' in note for note in row["notes"]), row["notes"])


def groups_apart(frame, features, target):
    """No group is on both sides: the held-out rows, as a gate sees them, are whole groups."""
    source = store("apart", {c: frame[c] for c in features + [target, "education"]})
    row = train("apart", source, target, split={"method": "group", "column": "education", "test": 0.3},
                algorithm="logistic_regression", features=features)
    rows_of("SELECT ml.add_gate(%s, 'any', 'auc', min => 0, slices => '{education}')" % literal(row["model"]))
    seen = rows_of("SELECT g.slice_value, g.n, (SELECT count(*) FROM %s s WHERE s.education = g.slice_value) AS all "
                   "FROM ml.run_gates(%s, %d) g WHERE g.slice_key = 'education'"
                   % (source, literal(row["model"]), row["version"]))
    report("groups that are held out are held out whole", len(seen) > 1 and all(r["n"] == r["all"] for r in seen), seen)
    share = sum(r["n"] for r in seen) / len(frame[target])
    report("about the share asked for is held out", abs(share - 0.3) < 0.15, share)


def main():
    start()
    bike = dataset("bike_sharing_hour")
    adult = dataset("adult")
    if bike is None:
        skip("linear regression over folds", "no data set bike_sharing_hour")
    else:
        features = [c for c in ("hr", "temp", "atemp", "hum", "windspeed", "weathersit", "workingday") if c in bike]
        target = "cnt" if "cnt" in bike else "count"
        bike = complete(bike, features + [target])
        linear(where(bike, [i < 9000 for i in range(len(bike[target]))]), features, target)
    if adult is None:
        skip("logistic regression over folds, leaks and groups", "no data set adult")
    else:
        features = [c for c in ("age", "education_num", "hours_per_week", "capital_gain") if c in adult]
        target = [c for c in ("income", "class", "target") if c in adult][0]
        adult = complete(adult, features + [target, "education"])
        adult = where(adult, [i < 8000 for i in range(len(adult[target]))])
        positive = sorted(set(adult[target]))[-1]
        logistic(adult, features, target, positive)
        judged_once(adult, features, target)
        groups_apart(adult, features, target)
        leaks(adult, features, target, positive)
    measured.tell()
    finish()


main()
