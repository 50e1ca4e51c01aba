#!/usr/bin/python3
"""Compares linear regression with R's lm and statsmodels, to 1e-8: estimates, their errors, and the figures of the fit.

Ridge regression is compared with its defining equations and with scikit-learn. Needs what _reference.py says, and
Rscript.
"""
import warnings

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import Ridge

from _reference import (Measured, agree, coefficients, complete, dataset, design, finish, fit_r, from_r, pick, report,
                        skip, start, store, summary, train)

TOLERANCE = 1e-8
PARTS = ("estimate", "std_error", "statistic", "p_value")
FIGURES = ("r2", "adjusted_r2", "residual_sd", "residual_sum_of_squares", "degrees_of_freedom", "rank")
measured = Measured()


def part(terms, name):
    return {term: row[name] for term, row in terms.items()}


def compare(name, peer, ours, figures, terms, wanted):
    """Tests of one fit against one peer's."""
    for p in PARTS:
        d = agree("%s: %s as in %s" % (name, p, peer), part(ours, p), part(terms, p), TOLERANCE)
        measured.add("linear %s, %s" % (p, peer), d)
    d = agree("%s: figures as in %s" % (name, peer), {f: figures[f] for f in wanted}, wanted, TOLERANCE)
    measured.add("linear figures, " + peer, d)


def fit_statsmodels(frame, target, features, weight, intercept):
    terms, x = design(frame, features, intercept)
    y = np.array(frame[target], dtype=float)
    # rows without weight say nothing, but statsmodels counts them
    w = np.array(frame[weight], dtype=float) if weight else np.ones(len(y))
    x, y, w = x[w > 0], y[w > 0], w[w > 0]
    fit = sm.WLS(y, x, weights=w, hasconst=intercept).fit() if weight else \
        sm.OLS(y, x, hasconst=intercept).fit()
    rows = {t: dict(zip(PARTS, map(float, row)))
            for t, row in zip(terms, zip(fit.params, fit.bse, fit.tvalues, fit.pvalues))}
    return rows, {"r2": fit.rsquared, "adjusted_r2": fit.rsquared_adj, "residual_sd": np.sqrt(fit.scale),
                  "residual_sum_of_squares": fit.ssr, "degrees_of_freedom": fit.df_resid}


def fit_ours(name, frame, target, features, weight, intercept, l2=0):
    table = "t%d" % fit_ours.count
    fit_ours.count += 1
    source = store(table, pick(frame, features + [target] + ([weight] if weight else [])))
    row = train("%s: %s" % (table, name), source, target, algorithm="linear_regression", task="regression",
                weight=weight, features=features, params={"intercept": intercept, "l2": l2})
    return coefficients(row["ref"]), summary(row["ref"])


fit_ours.count = 0


def least_squares(name, frame, target, features=None, weight=None, intercept=True, aliased=()):
    """One data set against both peers; statsmodels spreads aliased columns otherwise, so it is left out there."""
    features = features or [c for c in frame if c not in ("id", target, weight)]
    ours, figures = fit_ours(name, frame, target, features, weight, intercept)
    terms, wanted, _ = fit_r("lm", frame, target, features, weight, intercept)
    compare(name, "lm", ours, figures, terms, {f: wanted[f] for f in FIGURES})
    missing = [t for t, row in ours.items() if row["estimate"] is None]
    report("%s: the aliased columns are those expected" % name, missing == list(aliased), missing)
    if not aliased:
        terms, wanted = fit_statsmodels(frame, target, features, weight, intercept)
        compare(name, "statsmodels", ours, figures, terms, wanted)


def bundled():
    diabetes = dataset("diabetes")
    least_squares("diabetes", diabetes, "target")
    least_squares("diabetes, no intercept", diabetes, "target", intercept=False)
    # weights of many sizes, some of them zero
    n = len(diabetes["target"])
    least_squares("diabetes, weights", dict(diabetes, weight=[(i * 7 % 13) / 8 for i in range(n)]), "target",
                  weight="weight")
    least_squares("diabetes, weights, no intercept", dict(diabetes, weight=[1e-3 + i % 5 for i in range(n)]), "target",
                  weight="weight", intercept=False)
    cancer = dataset("breast_cancer")
    least_squares("breast_cancer", cancer, "mean_concavity", [c for c in cancer if c not in ("id", "mean_concavity")])
    wine = dataset("wine")
    least_squares("wine", wine, "alcohol", [c for c in wine if c not in ("id", "alcohol")])


def from_packages():
    least_squares("mtcars", from_r("mtcars"), "mpg")
    least_squares("mtcars, weights", from_r("mtcars"), "mpg", ["wt", "qsec", "am"], weight="hp")
    least_squares("longley", from_r("longley"), "employed")
    least_squares("swiss", from_r("swiss"), "fertility")
    least_squares("warpbreaks", from_r("warpbreaks"), "breaks")
    least_squares("ToothGrowth", from_r("ToothGrowth"), "len")
    least_squares("InsectSprays", from_r("InsectSprays"), "count")
    least_squares("CO2", from_r("CO2"), "uptake", ["conc", "type", "treatment"])
    least_squares("infert", from_r("infert"), "age", ["education", "parity", "induced", "spontaneous"])
    least_squares("esoph", from_r("esoph"), "ncases")
    least_squares("airquality", complete(from_r("airquality")), "ozone", ["solar_r", "wind", "temp", "month"])
    # levels whose order differs between bytes and languages
    frame = from_r("warpbreaks")
    frame["tension"] = [{"L": "a", "M": "B", "H": "\u00e9"}[t] for t in frame["tension"]]
    least_squares("levels in bytewise order", frame, "breaks")


def aliasing():
    cars = from_r("mtcars")
    cars["twice_disp"] = [2 * v for v in cars["disp"]]
    cars["hp_and_wt"] = [a + b for a, b in zip(cars["hp"], cars["wt"])]
    least_squares("a multiple and a sum", cars, "mpg", ["disp", "twice_disp", "hp", "hp_and_wt", "wt", "qsec"],
                  aliased=["twice_disp", "wt"])
    # each plant stands in one place and has one treatment
    least_squares("nested factors", from_r("CO2"), "uptake", ["plant", "type", "treatment", "conc"],
                  aliased=["type=Quebec", "treatment=nonchilled"])
    frame = from_r("warpbreaks")
    frame["is_b"] = [float(w == "B") for w in frame["wool"]]
    least_squares("a level given as a number too", frame, "breaks", ["is_b", "wool", "tension"], aliased=["wool=B"])
    least_squares("dependent without intercept", cars, "mpg", ["disp", "twice_disp", "hp", "wt"], intercept=False,
                  aliased=["twice_disp"])
    few = {c: v[:7] for c, v in dataset("diabetes").items()}
    few["sex"] = [1.0, 2.0, 1.0, 1.0, 2.0, 2.0, 1.0]
    features = ["age", "bmi", "bp", "s1", "s2", "s3", "s5", "s6", "sex"]
    ours, figures = fit_ours("more columns than rows", few, "target", features, None, True)
    terms, wanted, _ = fit_r("lm", few, "target", features)
    d = agree("more columns than rows: estimate as in lm", part(ours, "estimate"), part(terms, "estimate"), TOLERANCE)
    measured.add("linear estimate, lm", d)
    report("more columns than rows: no errors where no degree of freedom is left",
           figures["degrees_of_freedom"] == 0 == wanted["degrees_of_freedom"] and figures["residual_sd"] is None and
           all(row["std_error"] is None for row in ours.values()), figures)


def shared():
    for name, target in (("california_housing", "median_house_value"), ("diamonds", "price"),
                         ("abalone", "rings"), ("bike_sharing_hour", "cnt"), ("penguins", "body_mass_g")):
        frame = dataset(name)
        if frame is None:
            skip(name, "no folder of data sets")
            continue
        if name == "bike_sharing_hour":
            frame = pick(frame, [c for c in frame if c not in ("dteday", "casual", "registered")])
        frame = complete(frame)
        least_squares(name, frame, target)
    diamonds = dataset("diamonds")
    if diamonds is None:
        skip("diamonds, weights", "no folder of data sets")
    else:
        least_squares("diamonds, weights", diamonds, "price", ["cut", "color", "clarity", "depth"], weight="carat")


def ridge_direct(x, y, w, l2, intercept):
    """
    The minimum of sum w (y - x b)^2 + l2 sum (sd_j b_j)^2 from its equations in extended precision, on columns of
    standard deviation 1 (root mean square 1 without an intercept).
    """
    x, y, w = (np.asarray(a, dtype=np.longdouble) for a in (x, y, w))
    total = w.sum()
    centre = (w @ x) / total if intercept else np.zeros(x.shape[1], dtype=np.longdouble)
    level = (w @ y) / total if intercept else np.longdouble(0)
    sd = np.sqrt((w @ (x - centre) ** 2) / total)
    z = (x - centre) / sd
    a = (z * w[:, None]).T @ z + l2 * np.eye(x.shape[1])
    b = np.linalg.solve(a.astype(float), ((z * w[:, None]).T @ (y - level)).astype(float)).astype(np.longdouble)
    # one step of refinement in the longer format brings the solution to full double precision
    b += np.linalg.solve(a.astype(float), ((z * w[:, None]).T @ (y - level) - a @ b).astype(float))
    b /= sd
    return np.concatenate([[level - centre @ b], b]) if intercept else b


def ridge(name, frame, target, features, l2, weight=None, intercept=True):
    ours, _ = fit_ours(name, frame, target, features, weight, intercept, l2)
    terms, x = design(frame, features, False)
    if intercept:
        terms.insert(0, "intercept")
    y = np.array(frame[target], dtype=float)
    w = np.array(frame[weight], dtype=float) if weight else np.ones(len(y))
    got = part(ours, "estimate")
    d = agree("%s: ridge %g solves its equations" % (name, l2), got,
              dict(zip(terms, map(float, ridge_direct(x, y, w, l2, intercept)))), TOLERANCE)
    measured.add("ridge, direct formula", d)
    if intercept:
        centre = np.average(x, axis=0, weights=w)
        sd = np.sqrt(np.average((x - centre) ** 2, axis=0, weights=w))
        peer = Ridge(alpha=l2, solver="cholesky").fit((x - centre) / sd, y, sample_weight=w)
        b = peer.coef_ / sd
        d = agree("%s: ridge %g as in scikit-learn" % (name, l2), got,
                  dict(zip(terms, [float(peer.intercept_ - centre @ b)] + [float(v) for v in b])), TOLERANCE)
        measured.add("ridge, scikit-learn", d)
    report("%s: ridge %g has no standard errors" % (name, l2), all(row["std_error"] is None for row in ours.values()))


def ridges():
    diabetes = dataset("diabetes")
    features = [c for c in diabetes if c not in ("id", "target")]
    for l2 in (1e-3, 1.0, 250.0, 1e6):
        ridge("diabetes", diabetes, "target", features, l2)
    ridge("diabetes, no intercept", diabetes, "target", features, 10.0, intercept=False)
    weighted = dict(diabetes, weight=[(i * 7 % 13) / 8 for i in range(len(diabetes["target"]))])
    ridge("diabetes, weights", weighted, "target", features, 10.0, weight="weight")
    warp = from_r("warpbreaks")
    ridge("warpbreaks", warp, "breaks", ["wool", "tension"], 5.0)
    cars = from_r("mtcars")
    cars["twice_disp"] = [2 * v for v in cars["disp"]]
    ridge("dependent columns", cars, "mpg", ["disp", "twice_disp", "hp", "wt"], 2.0)


def main():
    warnings.simplefilter("ignore")
    start()
    bundled()
    from_packages()
    aliasing()
    shared()
    ridges()
    measured.tell()
    finish()


if __name__ == "__main__":
    main()
