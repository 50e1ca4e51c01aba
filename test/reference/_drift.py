"""What the drift statistics are by SciPy and by their formulas, for the tests that compare."""
import math

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

# p-values of tests of counts: moments that are exact for the rows there are, so near those of chi-square for many rows
LOOSE = ("chi_square", "g_test", "cramers_v")


def smoothed(p, q):
    """Shares of both sides with half a row per filled bin, spread as all rows are."""
    p, q = p.astype(np.longdouble), q.astype(np.longdouble)
    prior = 0.5 * len(p) * (p + q) / (p + q).sum()
    return (p + prior) / (p + prior).sum(), (q + prior) / (q + prior).sum()


def kuiper_tail(x):
    return min(1.0, 2 * sum((4 * j * j * x * x - 1) * math.exp(-2 * j * j * x * x) for j in range(1, 50)))


def fisher_tail(n, m, x, y):
    """Both tails of Fisher's test of x of n and y of m, by the distance of the shares."""
    k = np.arange(max(0, x + y - n), min(m, x + y) + 1)
    far = np.abs((x + y - k) / n - k / m) >= abs(x / n - y / m) * (1 - 1e-12)
    return float(stats.hypergeom.pmf(k, n + m, x + y, m)[far].sum())


def divergence(p, q):
    """The sum of q ln(q / p), in long doubles: where both sides are nearly the same the terms cancel."""
    return (q[q > 0] * np.log(q[q > 0] / p[q > 0])).sum()


def of_counts(p, q):
    """Methods that need no order: method -> (statistic, p-value or None). SciPy has the word where its doubles suffice."""
    keep = p + q > 0
    n, m = p.sum(), q.sum()
    share = (p.astype(np.longdouble) / n, q.astype(np.longdouble) / m)
    p1, q1 = smoothed(p[keep], q[keep])
    middle = (share[0] + share[1]) / 2
    distance = np.sqrt((divergence(middle, share[0]) + divergence(middle, share[1])) / 2 / math.log(2))
    near = distance < 0.01
    out = {
        "psi": (float(((q1 - p1) * np.log(q1 / p1)).sum()), None),
        "kullback_leibler": (float(divergence(p1, q1) if near else stats.entropy(q1.astype(float), p1.astype(float))), None),
        "jensen_shannon_distance": (float(distance if near else jensenshannon(p, q, 2)), None),
        "hellinger": (float(np.sqrt(0.5 * ((np.sqrt(share[0]) - np.sqrt(share[1])) ** 2).sum())), None),
        "total_variation": (float(0.5 * np.abs(share[0] - share[1]).sum()), None),
        "l_infinity": (float(np.abs(share[0] - share[1]).max()), None),
    }
    table = np.vstack([p[keep], q[keep]])
    for name, which in (("chi_square", "pearson"), ("g_test", "log-likelihood")):
        test = stats.chi2_contingency(table, correction=False, lambda_=which)
        out[name] = (float(test[0]), float(test[1]))
    if near:
        fitted = table.sum(0).astype(np.longdouble) * table.sum(1, keepdims=True) / (n + m)
        u = (table - fitted) / fitted
        entropy = np.where(table > 0, (1 + u) * np.log1p(np.where(table > 0, u, 0)) - u, 1)
        out["g_test"] = (float(2 * (fitted * entropy).sum()), out["g_test"][1])
    chi, bins, total = out["chi_square"][0], keep.sum(), n + m
    phi = max(0.0, chi / total - (bins - 1) / (total - 1))
    out["cramers_v"] = (math.sqrt(phi / min(1 - 1 / (total - 1), bins - 1 - (bins - 1) ** 2 / (total - 1))),
                        out["chi_square"][1])
    return out


def of_order(p, q, middles, spread):
    """Methods of bins that have an order, in front of those that have none; middles are the places of the former."""
    n, m = p.sum(), q.sum()
    root = math.sqrt(n * m / (n + m))
    difference = np.cumsum(p / n) - np.cumsum(q / m)
    d = float(np.abs(difference).max())
    v = float(max(difference.max(), 0) + max(-difference.min(), 0))
    k = len(middles)
    return {"kolmogorov_smirnov": (d, float(stats.kstwobign.sf(root * d))),
            "kuiper": (v, kuiper_tail(root * v)),
            "wasserstein": (float(stats.wasserstein_distance(middles, middles, p[:k], q[:k])) / spread, None)}


def of_moments(a, b):
    """Methods of mean, variance and number of values of both sides."""
    t = stats.ttest_ind_from_stats(a[0], math.sqrt(a[1]), a[2], b[0], math.sqrt(b[1]), b[2], equal_var=False)
    return {"welch_t": (float(abs(t[0])), float(t[1])), "mean_shift": (abs(a[0] - b[0]) / math.sqrt(a[1]), float(t[1]))}


def middles_of(edges, low, high):
    ends = np.concatenate([[low], edges, [high]])
    return (ends[:-1] + ends[1:]) / 2


def moments(x):
    return [float(x.mean()), float(x.var(ddof=1)), float(len(x))]
