#!/usr/bin/python3
"""Compares the metric aggregates with scikit-learn on real data sets, to 1e-12.

Needs what _reference.py says. Predictions are made from the columns by fixed formulas, so that every run compares the
same numbers.
"""
import math
import warnings

import numpy as np
from sklearn import metrics as sk

import _reference
from _reference import finish, psql, report, skip, start

TOLERANCE = 1e-12


def compare(dataset, table, expected, where="true", settings=""):
    """Compares one query of aggregates with what scikit-learn says; expected maps expressions to numbers."""
    line = psql("SET extra_float_digits = 1; %s SELECT %s FROM reference.%s WHERE %s;"
                % (settings, ", ".join(expected), table, where))[-1]
    for (expression, want), got in zip(expected.items(), line.split("|")):
        name = "%s %s" % (dataset, expression)
        if want is None:
            report(name, got == "", "got %s, wanted NULL" % got)
        else:
            ok = got != "" and abs(float(got) - want) <= TOLERANCE * max(1.0, abs(want))
            report(name, ok, "got %s, wanted %r" % (got or "NULL", want))


def dataset(name):
    """A data set as a dict of columns; None, and a line that says so, where it is not there."""
    d = _reference.dataset(name)
    if d is None:
        skip(name, "no folder of data sets")
    return d


def numbers(column):
    """Turns a column into numbers, a missing one into their mean."""
    x = np.array(column, dtype=float)
    return np.where(np.isnan(x), np.nanmean(x), x)


def store(table, definition, columns):
    """Creates a table of the columns, in full precision."""
    text = [["" if v is None else repr(v) if isinstance(v, float) else v for v in row]
            for row in zip(*[c.tolist() if isinstance(c, np.ndarray) else c for c in columns])]
    psql("CREATE TABLE reference.%s (%s);" % (table, definition))
    psql("COPY reference.%s FROM STDIN WITH (FORMAT csv);" % table, text)
    psql("ALTER TABLE reference.%s SET (parallel_workers = 2); ANALYZE reference.%s;" % (table, table))


def root_mean_squared_error(y, y_hat):
    return math.sqrt(sk.mean_squared_error(y, y_hat))


def calibration_error(label, p):
    """The definition in numpy: ten bins of equal width, weighted by their rows."""
    bins = np.minimum((p * 10).astype(int), 9)
    return sum(abs(p[bins == b].sum() - label[bins == b].sum()) for b in range(10)) / len(p)


PARALLEL = ("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;"
            " SET max_parallel_workers_per_gather = 2;")


def regression(dataset, table, y, y_hat):
    store(table, "y float8, y_hat float8", [y, y_hat])
    expected = {
        "ml.rmse(y, y_hat)": root_mean_squared_error(y, y_hat),
        "ml.mae(y, y_hat)": sk.mean_absolute_error(y, y_hat),
        "ml.r2(y, y_hat)": sk.r2_score(y, y_hat),
        "ml.mape(y, y_hat)": sk.mean_absolute_percentage_error(y, y_hat),
    }
    compare(dataset, table, expected)
    compare(dataset + " in parallel", table, expected, settings=PARALLEL)


def two_class(dataset, table, label, score, p, threshold=0.5):
    predicted = p >= threshold
    store(table, "label boolean, score float8, p float8, predicted boolean",
          [label.tolist(), score, p, predicted.tolist()])
    expected = {
        "ml.auc(label, score)": sk.roc_auc_score(label, score),
        "ml.auc(label, p)": sk.roc_auc_score(label, p),
        "ml.average_precision(label, score)": sk.average_precision_score(label, score),
        "ml.average_precision(label, p)": sk.average_precision_score(label, p),
        "ml.log_loss(label, p)": sk.log_loss(label, p),
        "ml.brier(label, p)": sk.brier_score_loss(label, p),
        "ml.accuracy(label, predicted)": sk.accuracy_score(label, predicted),
        "ml.f1(label, predicted)": sk.f1_score(label, predicted),
        "ml.precision(label, predicted)": sk.precision_score(label, predicted),
        "ml.recall(label, predicted)": sk.recall_score(label, predicted),
        "ml.mcc(label, predicted)": sk.matthews_corrcoef(label, predicted),
        "ml.calibration_error(label, p)": calibration_error(label, p),
    }
    compare(dataset, table, expected)
    compare(dataset + " in parallel", table, expected, settings=PARALLEL)


def standard(x):
    return (x - x.mean()) / x.std()


def logistic(x):
    return 1 / (1 + np.exp(-x))


def bundled():
    """Data sets that scikit-learn carries."""
    d = dataset("diabetes")
    regression("diabetes", "diabetes", numbers(d["target"]), 10 * numbers(d["bmi"]) - 117)
    # a level a million times the spread; scikit-learn centres y first, so it holds its digits too
    regression("diabetes on a level", "level", numbers(d["target"]) + 2.0 ** 30, 10 * numbers(d["bmi"]) + 2.0 ** 30)

    d = dataset("breast_cancer")
    label = np.array(d["class"]) == "malignant"
    x = numbers(d["mean_radius"])
    two_class("breast_cancer", "cancer", label, x, logistic(2 * standard(x)))
    # certain probabilities, some of them wrong, but none where the two libraries clip differently
    two_class("breast_cancer, certain", "certain", label, x,
              np.clip(logistic(40 * standard(numbers(d["mean_texture"]))), 1e-12, 1 - 1e-12))

    d = dataset("iris")
    x = numbers(d["petal_length_cm"])
    guess = ["setosa" if v < 2.5 else "versicolor" if v < 4.9 else "virginica" for v in x]
    truth = d["class"]
    store("iris", "truth text, guess text", [truth, guess])
    compare("iris", "iris", {"ml.accuracy(truth, guess)": sk.accuracy_score(truth, guess)})

    d = dataset("digits")
    truth = numbers(d["digit"]).astype(int)
    guess = numbers(d["p21"]).astype(int) % 10
    store("digits", "truth int, guess int", [truth, guess])
    compare("digits", "digits", {"ml.accuracy(truth, guess)": sk.accuracy_score(truth, guess)})


def regressions():
    d = dataset("california_housing")
    if d:
        regression("california_housing", "california", numbers(d["median_house_value"]),
                   4.2e4 * numbers(d["median_income"]) + 4.5e4)
    d = dataset("diamonds")
    if d:
        regression("diamonds", "diamonds", numbers(d["price"]), 7756.4 * numbers(d["carat"]) - 2256.4)
    d = dataset("bike_sharing_hour")
    if d:
        regression("bike_sharing", "bikes", numbers(d["cnt"]), 381.3 * numbers(d["temp"]) - 0.0356)
        # zero targets: the casual riders of the quiet hours
        regression("bike_sharing casual", "casual", numbers(d["casual"]), 80 * numbers(d["temp"]))
    d = dataset("uk_gas")
    if d:
        y = numbers(d["value"])
        regression("uk_gas", "gas", y[1:], y[:-1])
        regression("uk_gas on a level", "gas_level", y[1:] + 2.0 ** 30, y[:-1] + 2.0 ** 30)


def two_classes():
    d = dataset("adult")
    if d:
        label = np.array(d["income"]) == ">50K"
        x = numbers(d["age"])  # many ties
        z = 0.8 * standard(numbers(d["education_num"])) + 0.5 * standard(x) - 1.3
        two_class("adult", "adult", label, x, logistic(z))
    d = dataset("higgs_7500")
    if d:
        label = numbers(d["label"]) == 1
        x = numbers(d["f26"])
        two_class("higgs", "higgs", label, -x, np.round(logistic(0.3 * standard(x)), 2))
    d = dataset("telco_churn")
    if d:
        label = np.array(d["churn"]) == "Yes"
        x = numbers(d["tenure"])
        two_class("telco_churn", "churn", label, -x, logistic(-standard(x) - 1), threshold=0.3)
    d = dataset("electricity")
    if d:
        label = np.array(d["class"]) == "UP"
        x = numbers(d["nswprice"])
        two_class("electricity", "electricity", label, x, np.clip(logistic(40 * standard(x)), 1e-12, 1 - 1e-12))


def no_answer():
    compare("one class", "cancer", {"ml.auc(label, score)": None}, where="label")
    compare("no positives", "cancer", {"ml.average_precision(label, score)": None, "ml.recall(label, predicted)": None},
            where="NOT label")
    compare("no rows", "diabetes", {"ml.%s(y, y_hat)" % m: None for m in ("rmse", "mae", "r2", "mape")}, where="false")


def main():
    warnings.simplefilter("error")
    start()
    bundled()
    regressions()
    two_classes()
    no_answer()
    finish()


if __name__ == "__main__":
    main()
