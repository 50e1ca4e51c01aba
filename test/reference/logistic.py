#!/usr/bin/python3
"""Compares logistic regression with R's glm and statsmodels, to 1e-8, and with a penalty with scikit-learn, to 1e-6.

Whether the maximum of the likelihood exists is decided by a linear program (Albert and Anderson, Biometrika 71, 1984):
separation has to be told exactly where it says so. Needs what _reference.py says, and Rscript.
"""
import warnings

import numpy as np
import statsmodels.api as sm
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression
from statsmodels.tools.sm_exceptions import PerfectSeparationError

from _reference import (Measured, agree, coefficients, complete, dataset, design, difference, finish, fit_r, from_r,
                        levels, pick, report, skip, start, store, summary, train, where)

TOLERANCE = 1e-8
PENALISED_TOLERANCE = 1e-6
PARTS = ("estimate", "std_error", "statistic", "p_value")
measured = Measured()
tables = 0


def part(terms, name):
    return {term: row[name] for term, row in terms.items()}


def fit_ours(name, frame, target, features, weight=None, **params):
    global tables
    tables += 1
    source = store("t%d" % tables, pick(frame, features + [target] + ([weight] if weight else [])))
    row = train("%d: %s" % (tables, name), source, target, algorithm="logistic_regression", task="classification",
                weight=weight, features=features, params=params)
    return coefficients(row["ref"]), summary(row["ref"]), row["notes"]


def features_of(frame, target, weight):
    return [c for c in frame if c not in ("id", target, weight)]


def class_index(column):
    """The classes as ml.train orders them, and each row's."""
    classes = levels(column) if isinstance(column[0], str) else sorted(set(column))
    return classes, np.array([classes.index(v) for v in column])


def label(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def compare(name, peer, ours, terms, parts=PARTS):
    # a p-value magnifies the difference of its statistic z by z^2
    stretch = max([1.0] + [row["statistic"] ** 2 for row in terms.values() if row.get("statistic")])
    for p in parts:
        d = agree("%s: %s as in %s" % (name, p, peer), part(ours, p), part(terms, p),
                  TOLERANCE * (stretch if p == "p_value" else 1))
        measured.add("logistic %s, %s" % (p, peer), d)


def check_likelihood(name, peer, figures, wanted):
    d = difference(figures["log_likelihood"], wanted)
    report("%s: log-likelihood as in %s" % (name, peer), d <= TOLERANCE, (figures["log_likelihood"], wanted))
    measured.add("log-likelihood, " + peer, d)


def newton(model, x, y):
    """
    A statsmodels fit to the last digit: on columns turned to be orthonormal, where its stopping rule and its inverse
    lose nothing, and turned back.
    """
    q, r = np.linalg.qr(x)
    fit = model(y, q * np.sqrt(len(y))).fit(method="newton", tol=1e-12, maxiter=60, disp=0)
    back = np.linalg.inv(r) * np.sqrt(len(y))
    params = np.asarray(fit.params).reshape(q.shape[1], -1, order="F")
    vectors = params.shape[1]
    turn = np.kron(np.eye(vectors), back)
    covariance = turn @ np.asarray(fit.cov_params()) @ turn.T
    return back @ params, np.sqrt(np.diag(covariance)).reshape(q.shape[1], vectors, order="F"), fit.llf


def two_classes(name, frame, target, features=None, weight=None, intercept=True, aliased=(), certain=False):
    """
    Data whose maximum exists (certain: although glm warns of fitted probabilities of 0 or 1, which far values give too)
    against R, and statsmodels where there are no weights and no aliased columns.
    """
    features = features or features_of(frame, target, weight)
    ours, figures, _ = fit_ours(name, frame, target, features, weight, intercept=intercept)
    classes, y = class_index(frame[target])
    terms, wanted, r_warnings = fit_r("binomial", dict(frame, y_=[int(v) for v in y]), "y_", features, weight,
                                      intercept)
    compare(name, "glm", ours, terms)
    check_likelihood(name, "glm", figures, -wanted["deviance"] / 2)
    report("%s: rank as in glm" % name, figures["rank"] == wanted["rank"], (figures["rank"], wanted["rank"]))
    missing = [t for t, row in ours.items() if row["estimate"] is None]
    report("%s: the aliased columns are those expected" % name, missing == list(aliased), missing)
    separation(name, frame, target, features, weight, intercept, figures, None if certain else r_warnings)
    if weight or aliased:
        return
    names, x = design(frame, features, intercept)
    b, se, llf = newton(sm.Logit, x, y)
    compare(name, "statsmodels", ours,
            {t: {"estimate": float(b[j, 0]), "std_error": float(se[j, 0])} for j, t in enumerate(names)}, PARTS[:2])
    check_likelihood(name, "statsmodels", figures, llf)


def many_classes(name, frame, target, features=None, intercept=True):
    features = features or features_of(frame, target, None)
    ours, figures, _ = fit_ours(name, frame, target, features, intercept=intercept)
    classes, y = class_index(frame[target])
    names, x = design(frame, features, intercept)
    b, se, llf = newton(sm.MNLogit, x, y)
    compare(name, "statsmodels", ours,
            {"%s:%s" % (label(c), t): {"estimate": float(b[j, k]), "std_error": float(se[j, k])}
             for k, c in enumerate(classes[1:]) for j, t in enumerate(names)}, PARTS[:2])
    check_likelihood(name, "statsmodels", figures, llf)
    separation(name, frame, target, features, None, intercept, figures, None)


# --- separation ---------------------------------------------------------

def separable(x, y, classes, w):
    """
    Whether some direction improves the likelihood of some rows and worsens that of none, by a linear program: maximise
    the sum of the gains of the row's class over each other class, every gain within 0..1 and each term bounded.
    """
    keep = w > 0
    x, y = x[keep], y[keep]
    sd = np.abs(x).max(axis=0)
    x = x[:, sd > 0] / sd[sd > 0]
    n, p = x.shape
    gains = []
    for k in range(classes):
        rows = x[y != k]
        gain = np.zeros((len(rows), p * classes))
        for c in range(classes):
            own = y[y != k] == c
            gain[own, p * c:p * (c + 1)] = rows[own]
        gain[:, p * k:p * (k + 1)] -= rows
        gains.append(gain)
    gain = np.unique(np.vstack(gains), axis=0)
    # class 0 is the reference: its vector is 0
    gain = gain[:, p:]
    found = linprog(-gain.sum(axis=0), A_ub=-gain, b_ub=np.zeros(len(gain)), bounds=[(-1, 1)] * gain.shape[1],
                    method="highs")
    assert found.status == 0, found.message
    return -found.fun > 1e-6


def separation(name, frame, target, features, weight, intercept, figures, r_warnings, converged=True):
    """Whether ours is told apart exactly where the linear program does; R must not warn where it does not."""
    classes, y = class_index(frame[target])
    _, x = design(frame, features, intercept)
    w = np.array(frame[weight], dtype=float) if weight else np.ones(len(y))
    expected = separable(x, y, len(classes), w)
    report("%s: separation is told as by the linear program" % name, (figures["separable"] == 1) == expected,
           "ours %r, linear program %r" % (figures["separable"], expected))
    if not expected:
        report("%s: converged" % name, figures["converged"] == 1)
    if r_warnings is not None:
        # "did not converge" or "fitted probabilities numerically 0 or 1 occurred"
        report("%s: separation where glm warns, and only there" % name, expected == bool(r_warnings), r_warnings)
    return expected


def separated(name, frame, target, features=None, weight=None, perfect=False):
    """Data whose maximum does not exist; perfect: some hyperplane has the two classes on its two sides."""
    features = features or features_of(frame, target, weight)
    ours, figures, notes = fit_ours(name, frame, target, features, weight)
    classes, y = class_index(frame[target])
    r_warnings = None
    if len(classes) == 2:
        _, _, r_warnings = fit_r("binomial", dict(frame, y_=[int(v) for v in y]), "y_", features, weight)
    expected = separation(name, frame, target, features, weight, True, figures, r_warnings)
    report("%s: is separable" % name, expected)
    if perfect:
        _, x = design(frame, features)
        w = np.array(frame[weight], dtype=float) if weight else np.ones(len(y))
        try:
            sm.Logit(y[w > 0], x[w > 0]).fit(method="newton", disp=0)
            raised = False
        except (PerfectSeparationError, np.linalg.LinAlgError):
            raised = True
        report("%s: statsmodels finds it too" % name, raised)
    report("%s: l2 = 1 is used and noted, without standard errors" % name,
           figures["l2"] == 1 and any("separates the classes" in n for n in notes) and
           all(row["std_error"] is None for row in ours.values()), notes)


def separations():
    r = np.random.default_rng(7)
    x = [float(v) for v in np.round(r.normal(size=40), 3)]
    z = [float(v) for v in np.round(r.normal(size=40), 3)]
    frame = {"x": x, "z": z, "y": [a + b > 0.1 for a, b in zip(x, z)]}
    separated("complete", frame, "y", perfect=True)
    # two classes that touch in one point, on both sides
    touch = {"x": [1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 7.0], "y": [False] * 4 + [True] * 4}
    separated("quasi-complete", touch, "y")
    # one point more on the far side, and the maximum exists
    overlap = {c: v + v[:1] for c, v in touch.items()}
    overlap["y"][-1] = True
    two_classes("barely overlapping", overlap, "y")
    # the row that keeps the maximum has no weight
    separated("overlapping in rows of weight 0 only", dict(overlap, w=[1.0] * 8 + [0.0]), "y", ["x"], "w")
    level = {"g": ["a", "b", "c"] * 10, "x": x[:30], "y": [i % 3 == 0 or i % 7 < 3 for i in range(30)]}
    separated("a level of one class only", level, "y")
    cancer = dataset("breast_cancer")
    separated("breast_cancer, all columns", cancer, "class", perfect=True)
    iris = dataset("iris")
    separated("iris, all columns", iris, "class")
    separated("iris, two classes", where(iris, [c != "virginica" for c in iris["class"]]), "class", perfect=True)
    two_classes("iris, the other two", where(iris, [c != "setosa" for c in iris["class"]]), "class")
    separated("wine, all columns", dataset("wine"), "class")


# --- where the maximum exists -------------------------------------------

def bundled():
    cancer = dataset("breast_cancer")
    three = ["mean_radius", "mean_texture", "mean_smoothness"]
    cancer["malignant"] = [c == "malignant" for c in cancer["class"]]
    two_classes("breast_cancer", cancer, "malignant", three)
    # the same from a text target, whose last class bytewise is malignant too
    two_classes("breast_cancer, text target", cancer, "class", three)
    two_classes("breast_cancer, no intercept", cancer, "malignant", three, intercept=False)
    weighted = dict(cancer, w=[(i * 7 % 13) / 8 for i in range(len(cancer["id"]))])
    two_classes("breast_cancer, weights", weighted, "malignant", three, "w")
    iris = dataset("iris")
    many_classes("iris, sepal width", iris, "class", ["sepal_width_cm"])
    many_classes("wine", dataset("wine"), "class", ["alcohol", "ash", "magnesium"])
    many_classes("wine, no intercept", dataset("wine"), "class", ["alcohol", "ash"], intercept=False)
    digits = where(dataset("digits"), [d < 5 for d in dataset("digits")["digit"]])
    many_classes("digits below 5", digits, "digit", ["p05", "p12", "p28", "p43"])


def from_packages():
    infert = from_r("infert")
    two_classes("infert", infert, "case", ["education", "age", "parity", "induced", "spontaneous"])
    two_classes("infert, no intercept", infert, "case", ["age", "parity", "induced"], intercept=False)
    many_classes("infert, education", infert, "education", ["age", "parity", "case"])
    cars = from_r("mtcars")
    two_classes("mtcars", cars, "am", ["qsec"])
    cars["twice_hp"] = [2 * v for v in cars["hp"]]
    two_classes("mtcars, aliased", cars, "vs", ["hp", "twice_hp", "mpg"], aliased=["twice_hp"])
    # tables of counts: two rows a cell, with its counts as weights, some of them 0
    esoph = from_r("esoph")
    doubled = {c: v + v for c, v in esoph.items()}
    doubled["case"] = [True] * len(esoph["id"]) + [False] * len(esoph["id"])
    doubled["w"] = [float(v) for v in esoph["ncases"] + esoph["ncontrols"]]
    two_classes("esoph", doubled, "case", ["agegp", "alcgp", "tobgp"], "w")
    titanic = from_r("Titanic")
    two_classes("Titanic", titanic, "survived", ["class", "sex", "age"], "freq")
    admissions = from_r("UCBAdmissions")
    two_classes("UCBAdmissions", admissions, "admit", ["gender", "dept"], "freq")
    chicks = from_r("ChickWeight")
    chicks["diet"] = ["diet %d" % d for d in chicks["diet"]]
    many_classes("ChickWeight", chicks, "diet", ["weight", "time"])


def shared():
    sets = (("adult", "income", ["age", "education_num", "race", "sex", "hours_per_week", "relationship"], ()),
            ("telco_churn", "churn", None,
             ("multiplelines=No phone service",) +
             tuple("%s=No internet service" % c for c in ("onlinesecurity", "onlinebackup", "deviceprotection",
                                                          "techsupport", "streamingtv", "streamingmovies"))),
            ("electricity", "class", ["day", "period", "nswprice", "nswdemand", "transfer"], ()),
            ("higgs_7500", "label", None, ()),
            ("credit_g", "class", ["checking_status", "duration", "credit_amount", "age", "housing"], ()))
    for name, target, features, aliased in sets:
        frame = dataset(name)
        if frame is None:
            skip(name, "no folder of data sets")
            continue
        features = features or [c for c in frame if c not in ("id", target, "part", "customerid")]
        two_classes(name, complete(frame, features + [target]), target, features, aliased=aliased,
                    certain=name == "electricity")
    frame = dataset("diamonds")
    if frame is None:
        skip("diamonds", "no folder of data sets")
    else:
        many_classes("diamonds", frame, "cut", ["carat", "depth", "table"])
    frame = dataset("penguins")
    if frame is None:
        skip("penguins", "no folder of data sets")
    else:
        frame = complete(frame, ["species", "body_mass_g", "sex"])
        many_classes("penguins", frame, "species", ["body_mass_g", "sex"])


# Section 8 of the measured baselines: glm(malignant ~ mean_radius + mean_texture + mean_smoothness, binomial).
PRINTED = {"intercept": (-42.01940764, 4.45943), "mean_radius": (1.396992408, 0.154032),
           "mean_texture": (0.3805589263, 0.0571132), "mean_smoothness": (144.6742271, 19.0469)}


def printed():
    cancer = dataset("breast_cancer")
    ours, figures, _ = fit_ours("printed", cancer, "class", [t for t in PRINTED if t != "intercept"])
    report("breast_cancer: the printed coefficients of glm",
           all("%.10g" % ours[t]["estimate"] == "%.10g" % b for t, (b, _) in PRINTED.items()), part(ours, "estimate"))
    report("breast_cancer: the printed standard errors of glm",
           all("%.6g" % ours[t]["std_error"] == "%.6g" % e for t, (_, e) in PRINTED.items()), part(ours, "std_error"))
    report("breast_cancer: the printed deviance of glm", "%.10g" % figures["deviance"] == "187.2902227", figures)


# --- with a penalty -----------------------------------------------------

def penalised(name, frame, target, l2, features=None):
    """Against scikit-learn on the standardised columns; compared in their units, where the penalty is."""
    features = features or features_of(frame, target, None)
    ours, _, _ = fit_ours("%s, l2" % name, frame, target, features, l2=l2)
    classes, y = class_index(frame[target])
    terms, x = design(frame, features, False)
    sd = x.std(axis=0)
    varies = sd > 0
    terms = [t for t, v in zip(terms, varies) if v]
    x, sd = x[:, varies], sd[varies]
    # columns of categories keep their units
    numbers = np.array(["=" not in t for t in terms])
    centre, scale = np.where(numbers, x.mean(axis=0), 0), np.where(numbers, sd, 1)
    many = len(classes) > 2
    peer = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10000, solver="newton-cg" if many else "newton-cholesky",
                              multi_class="multinomial" if many else "ovr")
    peer.fit((x - centre) / scale, y)
    b = peer.coef_ / scale
    constant = peer.intercept_ - b @ centre
    vectors = classes if many else [None]
    prefix = ["" if c is None else label(c) + ":" for c in vectors]
    wanted = np.column_stack([constant, b])
    names = ["intercept"] + terms
    report("%s, l2 = %g: terms" % (name, l2), list(ours) == [p + t for p in prefix for t in names], list(ours))
    got = np.array([row["estimate"] for row in ours.values()]).reshape(wanted.shape)
    # in units of the standardised columns, relative to the largest coefficient
    units = np.concatenate([[1], scale])
    size = np.abs(wanted * units).max(axis=1, keepdims=True)
    d = float(np.abs((got - wanted) * units / size).max())
    report("%s, l2 = %g: coefficients as in scikit-learn" % (name, l2), d <= PENALISED_TOLERANCE, d)
    measured.add("penalised logistic, scikit-learn", d)
    report("%s, l2 = %g: no standard errors" % (name, l2), all(row["std_error"] is None for row in ours.values()))


def penalties():
    cancer = dataset("breast_cancer")
    for l2 in (0.1, 1.0, 100.0):
        penalised("breast_cancer", cancer, "class", l2)
    penalised("iris", dataset("iris"), "class", 1.0)
    penalised("wine", dataset("wine"), "class", 0.5)
    penalised("digits", dataset("digits"), "digit", 1.0)
    infert = from_r("infert")
    penalised("infert", infert, "case", 3.0, ["education", "age", "parity", "induced", "spontaneous"])


def main():
    warnings.simplefilter("ignore")
    start()
    bundled()
    printed()
    from_packages()
    separations()
    penalties()
    shared()
    measured.tell()
    finish()


if __name__ == "__main__":
    main()
