#!/usr/bin/python3
"""Compares transforms of pipelines with scikit-learn's, or with a formula, to 1e-12.

Every transform is fitted by ml.train on the rows that a column marks for training, and by the peer on the same rows; both
treat all rows then, those held out, those that miss values and those beyond the training rows too. What ml.train made of
a row is asked for by ml.transform, which applies the pipeline as it was read back from the artifact; a trigger asks for
some rows once more. Data sets: california_housing, bike_sharing_hour, penguins.
"""
import math
import warnings

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (KBinsDiscretizer, MinMaxScaler, PolynomialFeatures, PowerTransformer,
                                   QuantileTransformer, RobustScaler, StandardScaler)

from _reference import dataset, finish, literal, note, psql, report, rows_of, start, store, train

warnings.filterwarnings("ignore")
TOLERANCE = 1e-12
worst = {}


class Data:
    """A table of numbers, some rows of which are for training: as arrays, with NaN for what is missing."""

    def __init__(self, name, table, columns, rows, beyond=True):
        frame = dataset(name)
        self.name, self.columns = name, columns
        x = np.array([[math.nan if v is None else float(v) for v in frame[c]] for c in columns]).T
        x = x[np.random.RandomState(1).permutation(len(x))[:rows]]
        test = np.arange(len(x)) % 4 == 0
        if beyond:
            # held-out rows that are extreme, or miss something
            low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
            more = [low - (high - low), high + (high - low), low, high, np.full(len(columns), math.nan)]
            more += [np.where(np.arange(len(columns)) == j, math.nan, x[j]) for j in range(len(columns))]
            x = np.vstack([x] + more)
            test = np.concatenate([test, np.ones(len(more), bool)])
        self.x, self.test = x, test
        data = {"id": list(range(len(x)))}
        for j, c in enumerate(columns):
            data[c] = [None if math.isnan(v) and i % 2 else float(v) for i, v in enumerate(x[:, j])]
        data["y"] = [float(i % 17) for i in range(len(x))]
        data["is_test"] = [bool(t) for t in test]
        self.table = store(table, data, dict({c: "double precision" for c in columns}, is_test="boolean"))

    @property
    def training(self):
        return self.x[~self.test]


def fit(name, data, steps):
    """The reference of a version with the steps, by a learner that takes what they give."""
    return train(name, data.table, "y", algorithm="gradient_boosting", features=data.columns, pipeline=steps,
                 params={"n_trees": 1}, split={"method": "column", "column": "is_test"})["ref"]


def steps_of(ref):
    return rows_of("SELECT * FROM ml.pipeline_steps(%s)" % literal(ref))


def transformed(ref, data):
    """What the pipeline makes of every row: (columns, array)."""
    rows = [r["r"] for r in rows_of("SELECT ml.transform(%s, t) AS r FROM %s t ORDER BY id" % (literal(ref), data.table))]
    columns = list(rows[0])
    return columns, np.array([[math.nan if r[c] is None else r[c] for c in columns] for r in rows])


def compare(name, got, want, tolerance=TOLERANCE):
    """One test: two arrays agree, relative to their values or to the size of their column, and miss the same values."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    if got.shape != want.shape:
        report(name, False, "shapes %s and %s" % (got.shape, want.shape))
        return
    same = np.isnan(got) == np.isnan(want)
    error = np.nan_to_num(np.abs(got - want) / np.maximum(np.abs(want), 1))
    at = np.unravel_index(np.argmax(error), error.shape)
    worst[name.split(":")[0]] = max(worst.get(name.split(":")[0], 0), error[at])
    report(name, same.all() and error[at] <= tolerance,
           "%d values missing on one side; worst at %s: got %r, wanted %r (%.1e)"
           % ((~same).sum(), at, got[at], want[at], error[at]))


def by_name(columns, array, wanted):
    return array[:, [columns.index(c) for c in wanted]]


def check_trigger(data, ref):
    """The row that a trigger sees becomes what ml.transform makes of it outside."""
    psql("""DROP TABLE IF EXISTS reference.arriving;
        CREATE TABLE reference.arriving AS SELECT *, NULL::jsonb AS seen, NULL::float8 AS score FROM {0} LIMIT 0;
        CREATE OR REPLACE FUNCTION reference.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.seen := ml.transform({1}, NEW); NEW.score := ml.predict({1}, NEW); RETURN NEW; END $$;
        CREATE TRIGGER look BEFORE INSERT ON reference.arriving FOR EACH ROW EXECUTE FUNCTION reference.look();
        INSERT INTO reference.arriving SELECT * FROM {0};""".format(data.table, literal(ref)))
    bad = rows_of("""SELECT a.id FROM reference.arriving a JOIN {0} t USING (id)
        WHERE a.seen IS DISTINCT FROM ml.transform({1}, t) OR a.score IS DISTINCT FROM ml.predict({1}, t)"""
                  .format(data.table, literal(ref)))
    report("a trigger sees the same features and prediction", not bad, bad[:5])


# --- column by column -----------------------------------------------------------

def scalers(data):
    x, train_x = data.x, data.training
    for name, steps, peer in (
            ("min_max", [{"step": "min_max"}], MinMaxScaler()),
            ("min_max: range and clip", [{"step": "min_max", "feature_range": [-3, 5.5], "clip": True}],
             MinMaxScaler((-3, 5.5), clip=True)),
            ("robust_scale", [{"step": "robust_scale"}], RobustScaler()),
            ("robust_scale: range", [{"step": "robust_scale", "quantile_range": [3.5, 91]}],
             RobustScaler(quantile_range=(3.5, 91))),
            ("robust_scale: not centred", [{"step": "robust_scale", "center": False}], RobustScaler(with_centering=False)),
            ("robust_scale: not scaled", [{"step": "robust_scale", "scale": False}], RobustScaler(with_scaling=False)),
            ("standardise", [{"step": "standardise"}], StandardScaler()),
            ("quantile_transform", [{"step": "quantile_transform"}],
             QuantileTransformer(n_quantiles=1000, subsample=10 ** 9)),
            ("quantile_transform: few", [{"step": "quantile_transform", "n_quantiles": 17}],
             QuantileTransformer(n_quantiles=17, subsample=10 ** 9)),
            ("quantile_transform: normal", [{"step": "quantile_transform", "n_quantiles": 300, "output": "normal"}],
             QuantileTransformer(n_quantiles=300, subsample=10 ** 9, output_distribution="normal"))):
        columns, got = transformed(fit(name, data, steps), data)
        compare("%s on %s" % (name, data.name), by_name(columns, got, data.columns), peer.fit(train_x).transform(x))


def ranks(data):
    """With a point for each training row, the share is that of the mean rank; columns that miss nothing in training."""
    names = [c for j, c in enumerate(data.columns) if not np.isnan(data.training[:, j]).any()]
    if not names:
        return
    columns, got = transformed(fit("ranks", data, [{"step": "quantile_transform", "n_quantiles": 100000}]), data)
    for c in names:
        known = np.sort(data.training[:, data.columns.index(c)])
        want = stats.rankdata(known) - 1
        want[known == known[0]] = 0
        want[known == known[-1]] = len(known) - 1
        rows = ~data.test
        at = np.searchsorted(known, data.x[rows, data.columns.index(c)])
        compare("quantile_transform: ranks of %s on %s" % (c, data.name), by_name(columns, got, [c])[rows, 0][:, None],
                (want[at] / (len(known) - 1))[:, None])


def raised(method, at, x):
    """
    The transform of x and its derivative by the exponent in long double; of values of one sign, relative to their middle,
    which a straight line makes of it, so that no digits are lost. And what that leaves of the log's mean.
    """
    x = np.asarray(x, np.longdouble)
    at = np.longdouble(at)
    l = np.log(x) if method == "box_cox" else np.sign(x) * np.log1p(np.abs(x))
    known = l[~np.isnan(l)]
    one_sign = method == "box_cox" or (known > 0).all() or (known < 0).all()
    middle = known.mean() if one_sign else np.longdouble(0)
    down = l < 0 if method == "yeo_johnson" else np.zeros(len(l), bool)
    a = np.where(down, 2 - at, at)
    t = np.where(down, middle - l, l - middle)
    value = np.expm1(a * t) / a
    return np.where(down, -value, value), (t * np.exp(a * t) - value) / a, known.mean() - middle


def likeliest(method, x, start_at):
    """The exponent where the derivative of the log likelihood is 0."""
    def slope(at):
        value, change, rest = raised(method, at, x)
        d = value - value.mean()
        return rest - (d * (change - change.mean())).sum() / (d * d).sum()

    low, high = np.longdouble(start_at) - 0.01, np.longdouble(start_at) + 0.01
    if not slope(low) > 0 > slope(high):
        return math.nan
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float((low + high) / 2)


def powers(data):
    for method in ("yeo_johnson", "box_cox"):
        names = [c for j, c in enumerate(data.columns) if method == "yeo_johnson" or np.nanmin(data.training[:, j]) > 0]
        keep = [data.columns.index(c) for c in names]
        x, train_x = data.x[:, keep], data.training[:, keep]
        inside = x if method == "yeo_johnson" else np.where(x > 0, x, math.nan)
        step = {"step": "power", "method": method, "columns": names}
        ref = fit("power " + method, data, [step])
        columns, got = transformed(ref, data)
        got = by_name(columns, got, names)
        learned = [steps_of(ref)[0]["learned"]["columns"][c] for c in names]
        plain = fit("plain power " + method, data, [dict(step, standardize=False)])
        columns, got_plain = transformed(plain, data)
        got_plain = by_name(columns, got_plain, names)
        for j, c in enumerate(names):
            at = learned[j]["lambda"]
            known = train_x[:, j][~np.isnan(train_x[:, j])]
            same_sign = (inside[:, j] >= 0) == (known[0] >= 0)
            z = raised(method, at, known)[0]
            rows = np.arange(len(x))
            # rows of a sign that no training row has are seen in the plain transform below
            if (known >= 0).all() or (known < 0).all():
                rows = np.where(same_sign | np.isnan(inside[:, j]))[0]
            everything = np.array([value_at(method, at, known, v) for v in inside[rows, j]], np.longdouble)
            compare("power: %s of %s on %s" % (method, c, data.name), got[rows, j][:, None],
                    ((everything - z.mean()) / z.std())[:, None])
            want = likeliest(method, known, at)
            report("power: the exponent of %s by %s is the likeliest" % (c, method),
                   abs(at - want) <= 1e-8 * max(1, abs(want)), "%r, not %r" % (at, want))
            llf = stats.boxcox_llf if method == "box_cox" else stats.yeojohnson_llf
            theirs = stats.boxcox_normmax(known, method="mle") if method == "box_cox" else stats.yeojohnson_normmax(known)
            mine = [steps_of(plain)[0]["learned"]["columns"][k]["lambda"] for k in names][j]
            if abs(mine - at) > 1e-6:
                note("%s of %s: likeliest at %.4f, without standardizing it stops at %.4f; scipy: %.4f"
                     % (method, c, at, mine, theirs))
            else:
                report("power: scipy finds none likelier for %s by %s" % (c, method),
                       llf(at, known) >= llf(theirs, known) - 1e-11 * abs(llf(theirs, known)) and
                       abs(at - theirs) < 1e-4 * max(1, abs(at)), "%r, theirs %r" % (at, theirs))
            peer = PowerTransformer(method.replace("_", "-"), standardize=False).fit(known[:, None])
            peer.lambdas_ = np.array([mine])
            compare("power: plain %s of %s on %s" % (method, c, data.name), got_plain[:, [j]],
                    peer.transform(inside[:, [j]]))


def value_at(method, at, known, v):
    """The transform of one more value by the middle of the training values."""
    if math.isnan(v):
        return np.longdouble(math.nan)
    x = np.asarray(known, np.longdouble)
    l = np.log(x) if method == "box_cox" else np.sign(x) * np.log1p(np.abs(x))
    one_sign = method == "box_cox" or (l > 0).all() or (l < 0).all()
    middle = l.mean() if one_sign else np.longdouble(0)
    v = np.longdouble(v)
    k = np.log(v) if method == "box_cox" else np.sign(v) * np.log1p(abs(v))
    if method == "yeo_johnson" and v < 0:
        return -np.expm1((2 - np.longdouble(at)) * (middle - k)) / (2 - np.longdouble(at))
    return np.expm1(np.longdouble(at) * (k - middle)) / np.longdouble(at)


def functions(data):
    """log1p and clip, by their definitions."""
    x, train_x = data.x, data.training
    names = [c for j, c in enumerate(data.columns) if np.nanmin(train_x[:, j]) > -1]
    keep = [data.columns.index(c) for c in names]
    columns, got = transformed(fit("log1p", data, [{"step": "log1p", "columns": names}]), data)
    compare("log1p on %s" % data.name, by_name(columns, got, names),
            np.log1p(np.where(x[:, keep] > -1, x[:, keep], math.nan)))
    # behind impute nothing may be missing: what is not defined becomes the smallest training value
    columns, got = transformed(fit("log1p filled", data, [{"step": "impute", "indicator": False},
                                                          {"step": "log1p", "columns": names}]), data)
    fill = np.where(np.isnan(train_x).any(axis=0), np.nanmedian(train_x, axis=0), np.nanmean(train_x, axis=0))
    full = np.where(np.isnan(x), fill, x)[:, keep]
    compare("log1p: behind impute on %s" % data.name, by_name(columns, got, names),
            np.log1p(np.where(full > -1, full, np.nanmin(np.where(np.isnan(train_x), fill, train_x), axis=0)[keep])))
    columns, got = transformed(fit("clip", data, [{"step": "clip", "lower": 0.013, "upper": 0.95}]), data)
    compare("clip: learned on %s" % data.name, by_name(columns, got, data.columns),
            np.clip(x, np.nanquantile(train_x, 0.013, axis=0), np.nanquantile(train_x, 0.95, axis=0)))
    columns, got = transformed(fit("clip given", data, [{"step": "clip", "min": 1.5, "max": 20}]), data)
    compare("clip: given on %s" % data.name, by_name(columns, got, data.columns), np.clip(x, 1.5, 20))


def buckets(data):
    """KBinsDiscretizer takes no missing values: it sees the column without them."""
    for strategy in ("quantile", "uniform"):
        ref = fit("bucketize " + strategy, data, [{"step": "bucketize", "strategy": strategy, "bins": 7}])
        columns, got = transformed(ref, data)
        learned = steps_of(ref)[0]["learned"]["columns"]
        want = np.full(data.x.shape, math.nan)
        for j, c in enumerate(data.columns):
            known = data.training[:, j][~np.isnan(data.training[:, j])]
            there = ~np.isnan(data.x[:, j])
            peer = KBinsDiscretizer(7, encode="ordinal", strategy=strategy, subsample=None).fit(known[:, None])
            compare("bucketize: %s edges of %s on %s" % (strategy, c, data.name), [learned[c]["edges"]],
                    [peer.bin_edges_[0][1:-1]])
            # their edges may lie a rounding beside a value, so that it counts for the other bucket: ours are put in
            peer.bin_edges_[0][1:-1] = learned[c]["edges"]
            want[there, j] = peer.transform(data.x[there, j][:, None])[:, 0]
        compare("bucketize: %s on %s" % (strategy, data.name), by_name(columns, got, data.columns), want)
    edges = [-1, 0.25, 3, 30]
    columns, got = transformed(fit("bucketize edges", data, [{"step": "bucketize", "edges": edges}]), data)
    want = np.where(np.isnan(data.x), math.nan, np.digitize(data.x, edges))
    compare("bucketize: edges on %s" % data.name, by_name(columns, got, data.columns), want)
    columns, got = transformed(fit("bucketize one_hot", data, [{"step": "bucketize", "edges": edges, "output": "one_hot"}]),
                               data)
    labels = ["below -1", "-1 to 0.25", "0.25 to 3", "3 to 30", "from 30"]
    compare("bucketize: one_hot on %s" % data.name,
            by_name(columns, got, ["%s=%s" % (c, l) for c in data.columns for l in labels]),
            np.hstack([(want[:, [j]] == np.arange(5)).astype(float) for j in range(len(data.columns))]))


def imputers(data):
    for strategy in ("mean", "median", "most_frequent", "constant"):
        step = {"step": "impute", "strategy": strategy}
        if strategy == "constant":
            step["value"] = -7.25
        ref = fit("impute " + strategy, data, [step])
        columns, got = transformed(ref, data)
        peer = SimpleImputer(strategy=strategy, fill_value=-7.25 if strategy == "constant" else None).fit(data.training)
        compare("impute: %s on %s" % (strategy, data.name), by_name(columns, got, data.columns), peer.transform(data.x))
        missed = [j for j in range(len(data.columns)) if np.isnan(data.training[:, j]).any()]
        report("impute: %s on %s has an indicator where training rows miss values" % (strategy, data.name),
               set(columns) - set(data.columns) == {data.columns[j] + " is null" for j in missed}, columns)
        if missed:
            compare("impute: indicators of %s on %s" % (strategy, data.name),
                    by_name(columns, got, [data.columns[j] + " is null" for j in missed]), np.isnan(data.x[:, missed]))


# --- several columns ------------------------------------------------------------

def polynomials(data):
    few = data.columns[:4]
    for degree, only in ((2, False), (2, True), (3, False), (3, True)):
        name = "polynomial: degree %d%s" % (degree, ", interactions" if only else "")
        ref = fit(name, data, [{"step": "standardise"}, {"step": "polynomial", "degree": degree, "interaction_only": only,
                                                         "columns": few}])
        columns, got = transformed(ref, data)
        scaler = StandardScaler().fit(data.training)
        z = scaler.transform(data.x)[:, :4]
        there = ~np.isnan(z).any(axis=1)
        peer = PolynomialFeatures(degree, interaction_only=only, include_bias=False).fit(np.zeros((1, 4)))
        names = [n.replace(" ", "*") for n in peer.get_feature_names_out(few)]
        compare("%s on %s" % (name, data.name), by_name(columns, got, names)[there], peer.transform(z[there]))
        lone = {n: [few.index(part.split("^")[0]) for part in n.split("*")] for n in names}
        want = np.column_stack([np.isnan(z[:, factors]).any(axis=1) for factors in lone.values()])
        report("%s on %s: a product misses what a factor misses" % (name, data.name),
               (np.isnan(by_name(columns, got, names)) == want).all())


def components(data, scale=True):
    steps = [{"step": "standardise"}] if scale else []
    complete = ~np.isnan(data.training).any(axis=1)
    for name, options, peer in (
            ("all", {}, PCA(svd_solver="full")),
            ("three", {"components": 3}, PCA(3, svd_solver="full")),
            ("by share", {"components": 0.8}, PCA(0.8, svd_solver="full")),
            ("whitened", {"components": 4, "whiten": True}, PCA(4, whiten=True, svd_solver="full"))):
        ref = fit("pca " + name, data, steps + [dict({"step": "pca"}, **options)])
        columns, got = transformed(ref, data)
        scaler = StandardScaler().fit(data.training)
        z, z_train = (scaler.transform(data.x), scaler.transform(data.training)) if scale else (data.x, data.training)
        peer.fit(z_train[complete])
        # the sign that scikit-learn takes from 1.5 on, which does not depend on the rows' order
        largest = np.argmax(np.abs(peer.components_), axis=1)
        flipped = peer.components_ * np.sign(peer.components_[np.arange(len(largest)), largest])[:, None]
        peer.components_ = flipped
        want = np.full((len(z), len(flipped)), math.nan)
        there = ~np.isnan(z).any(axis=1)
        want[there] = peer.transform(z[there])
        compare("pca: %s on %s" % (name, data.name),
                by_name(columns, got, ["pc%d" % (k + 1) for k in range(len(flipped))]), want)
        learned = steps_of(ref)[-1]["learned"]["components"]
        compare("pca: variances, %s on %s" % (name, data.name), [c["variance"] for c in learned], peer.explained_variance_)
        compare("pca: shares, %s on %s" % (name, data.name), [c["share"] for c in learned],
                peer.explained_variance_ratio_)


def chain(data):
    """Several steps behind each other, and the choice of columns."""
    ref = fit("chain", data, [{"step": "impute", "strategy": "median", "indicator": False}, {"step": "power"},
                              {"step": "drop", "columns": data.columns[-1:]}, {"step": "robust_scale"},
                              {"step": "select", "columns": data.columns[:3]}])
    columns, got = transformed(ref, data)
    x = SimpleImputer(strategy="median").fit(data.training)
    filled, filled_train = x.transform(data.x), x.transform(data.training)
    p = PowerTransformer().fit(filled_train)
    r = RobustScaler().fit(p.transform(filled_train))
    report("chain: select keeps three columns", sorted(columns) == sorted(data.columns[:3]), columns)
    # the exponents that scipy finds are right to some digits only
    compare("chain: on %s" % data.name, by_name(columns, got, data.columns[:3]), r.transform(p.transform(filled))[:, :3], 1e-4)
    check_trigger(data, ref)


def main():
    start()
    housing = Data("california_housing", "housing", ["median_income", "housing_median_age", "total_rooms",
                                                     "total_bedrooms", "population", "latitude", "longitude"], 4000)
    penguins = Data("penguins", "penguins", ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"], 400)
    bikes = Data("bike_sharing_hour", "bikes", ["temp", "atemp", "hum", "windspeed", "hr"], 5000)
    for data in (housing, penguins, bikes):
        scalers(data)
        ranks(data)
        powers(data)
        functions(data)
        buckets(data)
        imputers(data)
    polynomials(housing)
    components(housing)
    components(penguins)
    components(bikes)
    chain(penguins)
    chain(housing)
    for name, value in worst.items():
        note("worst difference, %s: %.1e" % (name, value))
    finish()


if __name__ == "__main__":
    main()
