#!/usr/bin/python3
"""Compares the quality of default models on held-out rows with scikit-learn's linear models, fitted in the same run.

Rows with id % 5 = 0 are held out. The peer is LinearRegression or LogisticRegression with default parameters on
standardised numbers (the median where one is missing) and one 0/1 column a level. Ours is ml.train with the linear
learner of the task and default parameters, on the same columns as they are.
"""
import warnings

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from _reference import (dataset, finish, from_r, identifier, is_category, literal, note, report, rows_of, skip, start,
                        store, train, where)

AUC_MARGIN = 0.005
RMSE_MARGIN = 0.01
tables = 0


class Encoder:
    """
    The peer's columns: numbers to mean 0 and deviation 1, one 0/1 column a level; fitted on training rows. Without a
    penalty the first level has none: LAPACK may take columns that depend on each other for independent ones.
    """

    def __init__(self, frame, features, drop):
        self.numbers = [c for c in features if not is_category(frame[c])]
        self.categories = [c for c in features if is_category(frame[c])]
        self.scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        self.encode = make_pipeline(SimpleImputer(missing_values=None, strategy="most_frequent"),
                                    OneHotEncoder(handle_unknown="ignore", sparse_output=False, drop=drop))
        if self.numbers:
            self.scale.fit(self.table(frame, self.numbers, float))
        if self.categories:
            self.encode.fit(self.table(frame, self.categories, object))

    @staticmethod
    def table(frame, columns, dtype):
        return np.column_stack([np.array(frame[c], dtype=dtype) for c in columns])

    def __call__(self, frame):
        parts = []
        if self.numbers:
            parts.append(self.scale.transform(self.table(frame, self.numbers, float)))
        if self.categories:
            parts.append(self.encode.transform(self.table(frame, self.categories, object)))
        return np.hstack(parts)


def measure(task, truth, predicted, p, positive):
    """The quality of predictions by the metric of the task."""
    if task == "rmse":
        return float(np.sqrt(mean_squared_error(truth, predicted)))
    if task == "auc":
        return float(roc_auc_score([t == positive for t in truth], p))
    return float(accuracy_score(truth, predicted))


def ours(name, frame, target, features, task, positive, params):
    """The metric of a model of ours, from its predictions and as ml.evaluate says it."""
    global tables
    tables += 1
    source = store("t%d" % tables, {c: frame[c] for c in ["id"] + features + [target]})
    columns = ", ".join(identifier(c) for c in features + [target])
    row = train("%d: %s" % (tables, name), "SELECT %s FROM %s WHERE id %% 5 <> 0" % (columns, source), target,
                task="regression" if task == "rmse" else "classification", params=params,
                algorithm="linear_regression" if task == "rmse" else "logistic_regression")
    result = "NULL::float8" if task == "rmse" else "NULL::text"
    p = "ml.probability(%s, r)" % literal(row["ref"]) if task == "auc" else "NULL::float8"
    found = rows_of("SELECT r.%s AS truth, ml.predict(%s, r, %s) AS predicted, %s AS p FROM %s r WHERE id %% 5 = 0"
                    % (identifier(target), literal(row["ref"]), result, p, source))
    truth = [r["truth"] if task == "rmse" else text(r["truth"]) for r in found]
    value = measure(task, truth, [r["predicted"] for r in found], [r["p"] for r in found], text(positive))
    told = {r["metric"]: r["value"] for r in rows_of(
        "SELECT metric, value FROM ml.evaluate(%s, %s)"
        % (literal(row["ref"]), literal("SELECT %s FROM %s WHERE id %% 5 = 0" % (columns, source))))}
    report("%s: ml.evaluate says the %s of the predictions" % (name, task), abs(told[task] - value) <= 1e-9 * value,
           (told, value))
    return value, row["algorithm"]


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def theirs(frame, target, features, task, positive, penalty):
    keep = [i % 5 != 0 for i in frame["id"]]
    learner = LinearRegression() if task == "rmse" else LogisticRegression(penalty=penalty, max_iter=10000)
    training, held_out = where(frame, keep), where(frame, [not k for k in keep])
    encode = Encoder(training, features, "first" if task == "rmse" else None)
    learner.fit(encode(training), training[target])
    x = encode(held_out)
    p = learner.predict_proba(x)[:, list(learner.classes_).index(positive)] if task == "auc" else None
    return measure(task, held_out[target], learner.predict(x), p, positive), len(held_out["id"])


def compare(name, frame, target, task, positive=None, leave_out=(), params=None, penalty="l2"):
    """
    One data set: not worse than the peer by more than the margin. What is not the default is params for ours, penalty
    for the peer.
    """
    if frame is None:
        skip("%s: %s" % (name, task), "no folder of data sets")
        return
    frame = where(frame, [v is not None for v in frame[target]])
    features = [c for c in frame if c not in ("id", target) + tuple(leave_out)]
    their, n = theirs(frame, target, features, task, positive, penalty)
    our, algorithm = ours(name, frame, target, features, task, positive, params or {})
    if task == "rmse":
        ok = our <= their * (1 + RMSE_MARGIN)
    elif task == "auc":
        ok = our >= their - AUC_MARGIN
    else:
        # within one row
        ok = round((their - our) * n) <= 1
    report("%s: %s not worse than the linear peer's" % (name, task), ok, (our, their))
    note("%-20s %-8s %-20s %.6g, scikit-learn %.6g" % (name, task, algorithm, our, their))


def main():
    warnings.simplefilter("ignore")
    start()
    compare("breast_cancer", dataset("breast_cancer"), "class", "auc", "malignant")
    compare("diabetes", dataset("diabetes"), "target", "rmse")
    compare("iris", dataset("iris"), "class", "accuracy")
    compare("wine", dataset("wine"), "class", "accuracy")
    compare("digits", dataset("digits"), "digit", "accuracy")
    compare("ChickWeight", from_r("ChickWeight"), "weight", "rmse")
    compare("CO2", from_r("CO2"), "uptake", "rmse", leave_out=("plant",))
    compare("quakes", from_r("quakes"), "mag", "rmse")
    compare("swiss", from_r("swiss"), "fertility", "rmse")
    compare("warpbreaks", from_r("warpbreaks"), "breaks", "rmse")
    compare("airquality", from_r("airquality"), "ozone", "rmse")
    compare("infert", from_r("infert"), "case", "auc", 1, leave_out=("stratum", "pooled_stratum"))
    compare("adult", dataset("adult"), "income", "auc", ">50K", leave_out=("part",))
    compare("telco_churn", dataset("telco_churn"), "churn", "auc", "Yes", leave_out=("customerid",))
    compare("electricity", dataset("electricity"), "class", "auc", "UP")
    # 800 rows for 48 terms: the penalty, which is the peer's default and not ours, is worth 0.008 here
    compare("credit_g, l2 = 1", dataset("credit_g"), "class", "auc", "good", params={"l2": 1})
    compare("credit_g, no penalty", dataset("credit_g"), "class", "auc", "good", penalty=None)
    compare("higgs_7500", dataset("higgs_7500"), "label", "auc", 1, leave_out=("part",))
    compare("california_housing", dataset("california_housing"), "median_house_value", "rmse")
    compare("diamonds", dataset("diamonds"), "price", "rmse")
    compare("abalone", dataset("abalone"), "rings", "rmse")
    compare("bike_sharing_hour", dataset("bike_sharing_hour"), "cnt", "rmse",
            leave_out=("dteday", "casual", "registered"))
    compare("penguins", dataset("penguins"), "species", "accuracy")
    finish()


if __name__ == "__main__":
    main()
