#!/usr/bin/env python3
"""peers - trains one model of one library and prints a JSON object with what that took.

    peers.py memory NAME DATA.f8 COLUMNS REPEAT [skip-fifth]     the data already in memory
    peers.py csv|binary NAME IN OUT COLUMNS [skip-fifth]         from an exported file to a file of predictions
    peers.py versions

NAME is one of LIBRARIES below. With skip-fifth every row whose id is divisible by 5 stays out of the training, and
is scored all the same. The environment decides the number of threads. Everything that a library needs besides a
C-ordered matrix of float64 is inside the time of its training. LightGBM is used through its C interface: LGBM_LIB names
lib_lightgbm.so.
"""
import ctypes
import json
import os
import re
import resource
import sys
import time

import numpy as np


class NormalEquations:
    """Least squares by solving the normal equations, the quickest way numpy offers."""

    def fit(self, X, y):
        self.coefficients = np.empty(X.shape[1] + 1)
        mean, middle = X.mean(axis=0), y.mean()
        gram = X.T @ X - len(X) * np.outer(mean, mean)
        self.coefficients[1:] = np.linalg.solve(gram, X.T @ y - len(X) * middle * mean)
        self.coefficients[0] = middle - mean @ self.coefficients[1:]

    def predict(self, X):
        return X @ self.coefficients[1:] + self.coefficients[0]


class Sklearn:
    def __init__(self, make):
        self.make = make

    def fit(self, X, y):
        self.model = self.make()
        self.model.fit(X, y)
        self.coefficients = np.append(self.model.intercept_, self.model.coef_)

    def predict(self, X):
        return self.model.predict_proba(X)[:, 1] if hasattr(self.model, "predict_proba") else self.model.predict(X)


class Statsmodels:
    def __init__(self, name):
        self.name = name

    def fit(self, X, y):
        import statsmodels.api as sm
        design = sm.add_constant(X, has_constant="add")
        model = getattr(sm, self.name)(y, design)
        self.model = model.fit() if self.name == "OLS" else model.fit(disp=0)
        self.coefficients = np.asarray(self.model.params)

    def predict(self, X):
        import statsmodels.api as sm
        return self.model.predict(sm.add_constant(X, has_constant="add"))


def threads():
    """The number that the caller set for OpenMP."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


class Boosted:
    """What boosted trees have in common: no coefficients, and a quality of their own."""

    coefficients = ()


class Xgboost(Boosted):
    def fit(self, X, y):
        import xgboost
        self.model = xgboost.train(
            {"objective": "binary:logistic", "tree_method": "hist", "eta": 0.1, "max_bin": 256, "grow_policy": "lossguide",
             "max_leaves": LEAVES, "max_depth": 0, "nthread": threads(), "verbosity": 0},
            xgboost.DMatrix(X, label=y, nthread=threads()), ROUNDS)

    def predict(self, X):
        return self.model.inplace_predict(X)


class SklearnBoosting(Boosted):
    def fit(self, X, y):
        from sklearn.ensemble import HistGradientBoostingClassifier
        self.model = HistGradientBoostingClassifier(max_iter=ROUNDS, max_leaf_nodes=LEAVES, learning_rate=0.1,
                                                    early_stopping=False, random_state=1)
        self.model.fit(X, y)

    def predict(self, X):
        return self.model.predict_proba(X)[:, 1]


class LightGbm(Boosted):
    ROW_MAJOR, FLOAT32, FLOAT64, NORMAL = 1, 0, 1, 0

    def __init__(self):
        self.library = ctypes.CDLL(os.environ["LGBM_LIB"])
        self.library.LGBM_GetLastError.restype = ctypes.c_char_p
        self.model = None

    def call(self, name, *arguments):
        if getattr(self.library, "LGBM_" + name)(*arguments) != 0:
            raise RuntimeError(self.library.LGBM_GetLastError().decode())

    def fit(self, X, y):
        options = (f"objective=binary num_leaves={LEAVES} learning_rate=0.1 max_bin=255 min_data_in_leaf=20 seed=1 "
                   f"num_threads={threads()} force_col_wise=true verbosity=-1").encode()
        if self.model:
            self.call("BoosterFree", self.model)
        data, self.model, finished = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int()
        label = y.astype(np.float32)
        self.call("DatasetCreateFromMat", X.ctypes.data_as(ctypes.c_void_p), self.FLOAT64, *map(ctypes.c_int32, X.shape),
                  self.ROW_MAJOR, options, None, ctypes.byref(data))
        self.call("DatasetSetField", data, b"label", label.ctypes.data_as(ctypes.c_void_p), len(label), self.FLOAT32)
        self.call("BoosterCreate", data, options, ctypes.byref(self.model))
        for _ in range(ROUNDS):
            self.call("BoosterUpdateOneIter", self.model, ctypes.byref(finished))
            if finished.value:
                break
        self.call("DatasetFree", data)

    def predict(self, X):
        scores, n = np.empty(len(X)), ctypes.c_int64()
        self.call("BoosterPredictForMat", self.model, X.ctypes.data_as(ctypes.c_void_p), self.FLOAT64,
                  *map(ctypes.c_int32, X.shape), self.ROW_MAJOR, self.NORMAL, 0, -1, b"num_threads=%d" % threads(),
                  ctypes.byref(n), scores.ctypes.data_as(ctypes.c_void_p))
        return scores


def linear():
    from sklearn.linear_model import LinearRegression
    return LinearRegression()


def logistic(solver):
    from sklearn.linear_model import LogisticRegression
    return LogisticRegression(penalty=None, solver=solver, max_iter=200)


LIBRARIES = {
    "numpy normal equations": NormalEquations,
    "sklearn LinearRegression": lambda: Sklearn(linear),
    "statsmodels OLS": lambda: Statsmodels("OLS"),
    "sklearn lbfgs": lambda: Sklearn(lambda: logistic("lbfgs")),
    "sklearn newton-cholesky": lambda: Sklearn(lambda: logistic("newton-cholesky")),
    "statsmodels Logit": lambda: Statsmodels("Logit"),
    "xgboost hist": Xgboost,
    "sklearn HistGradientBoosting": SklearnBoosting,
    "LightGBM": LightGbm,
}
ROUNDS, LEAVES = 100, 63
ONE_ROW_CALLS = 300


def resident_mb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / 1e6


def forget_peak():
    """Sets the peak of the resident memory back to what is resident now."""
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")


def peak_mb():
    with open("/proc/self/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) * 1024 / 1e6


class Clock:
    """Times stages in wall and CPU seconds, all threads together."""

    def __init__(self):
        self.stages = {}

    def time(self, stage, work):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.stages[stage] = [time.perf_counter() - wall, time.process_time() - cpu]
        return result


def rows_trained(n, skip_fifth):
    return np.arange(1, n + 1) % 5 != 0 if skip_fifth else slice(None)


def in_memory(name, path, columns, repeat, skip_fifth):
    data = np.fromfile(path).reshape(-1, columns + 1)
    y, X = data[:, 0].copy(), data[:, 1:].copy()
    del data
    rows = rows_trained(len(X), skip_fifth)
    X_train, y_train = X[rows], y[rows]
    model = LIBRARIES[name]()
    model.fit(X_train[:1000], y_train[:1000])
    runs, scorings = [], []
    for _ in range(repeat):
        clock = Clock()
        forget_peak()
        base = resident_mb()
        clock.time("train", lambda: model.fit(X_train, y_train))
        peak = peak_mb()
        scores = clock.time("predict", lambda: model.predict(X))
        runs.append(clock.stages["train"] + [peak - base])
        scorings.append(clock.stages["predict"])
        assert len(scores) == len(X)
    report = {"runs": runs, "predict": scorings, "coefficients": list(model.coefficients),
              "data_mb": (X_train.nbytes + y_train.nbytes) / 1e6}
    if isinstance(model, Boosted):
        report["quality"] = quality(y[~rows], scores[~rows])
        report["one_row"] = one_row(model, X)
    return report


def quality(y, p):
    from sklearn.metrics import log_loss, roc_auc_score
    return {"auc": roc_auc_score(y, p), "log_loss": log_loss(y, p)}


def one_row(model, X):
    """The median of the microseconds that scoring a single row takes."""
    taken = []
    for i in range(min(ONE_ROW_CALLS, len(X))):
        row = X[i:i + 1]
        start = time.perf_counter()
        model.predict(row)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)) * 1e6


def read_csv(path, columns):
    import pandas
    frame = pandas.read_csv(path, header=None, names=["id", "y"] + [f"x{j}" for j in range(1, columns + 1)])
    return frame["id"].to_numpy(), frame["y"].to_numpy(np.float64), np.ascontiguousarray(frame.iloc[:, 2:].to_numpy())


def write_csv(path, ids, scores):
    import pandas
    pandas.DataFrame({"id": ids, "score": scores}).to_csv(path, header=False, index=False)


COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


def read_binary(path, columns):
    """COPY's binary format, where no value is NULL and all have 8 bytes, read as the fixed-width records it then is."""
    fields = [("count", ">i2"), ("id_bytes", ">i4"), ("id", ">i8")]
    for j in range(columns + 1):
        fields += [(f"bytes{j}", ">i4"), (f"value{j}", ">f8")]
    table = np.memmap(path, np.dtype(fields), offset=len(COPY_HEADER), mode="r",
                      shape=(os.path.getsize(path) - len(COPY_HEADER) - 2) // np.dtype(fields).itemsize)
    X = np.empty((len(table), columns))
    for j in range(columns):
        X[:, j] = table[f"value{j + 1}"]
    return table["id"].astype(np.int64), table["value0"].astype(np.float64), X


def write_binary(path, ids, scores):
    fields = [("count", ">i2"), ("id_bytes", ">i4"), ("id", ">i8"), ("bytes", ">i4"), ("score", ">f8")]
    table = np.empty(len(ids), np.dtype(fields))
    table["count"], table["id_bytes"], table["id"], table["bytes"], table["score"] = 2, 8, ids, 8, scores
    with open(path, "wb") as f:
        f.write(COPY_HEADER)
        table.tofile(f)
        f.write(b"\xff\xff")


def whole_way(way, name, source, destination, columns, skip_fifth):
    read, write = (read_csv, write_csv) if way == "csv" else (read_binary, write_binary)
    if way == "csv":
        import pandas                                       # noqa: F401, loading it is no part of the way
    model = LIBRARIES[name]()
    warm = np.random.default_rng(1).normal(size=(1000, columns))
    model.fit(warm, (warm[:, 0] + warm[:, 1] * warm[:, 2] > 0).astype(np.float64))
    clock = Clock()
    forget_peak()
    base = resident_mb()
    ids, y, X = clock.time("read", lambda: read(source, columns))

    def train():
        if not skip_fifth:
            model.fit(X, y)
        else:
            rows = ids % 5 != 0
            model.fit(X[rows], y[rows])
    clock.time("train", train)
    scores = clock.time("predict", lambda: model.predict(X))
    clock.time("write", lambda: write(destination, ids, scores))
    return {"stages": clock.stages, "memory": peak_mb() - base}


def blas_in_use():
    with open("/proc/self/maps") as f:
        found = {os.path.basename(os.path.realpath(path)) for path in re.findall(r"/\S*/lib[^/\s]*blas[^/\s]*", f.read())}
    return ", ".join(sorted(found))


def versions():
    import pandas
    import sklearn
    import statsmodels
    np.ones((2, 2)) @ np.ones((2, 2))
    try:
        import xgboost
        boosting = {"xgboost": xgboost.__version__}
    except ImportError:
        boosting = {}
    boosting["LightGBM"] = "by its library" if os.environ.get("LGBM_LIB") else "absent"
    return {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "statsmodels": statsmodels.__version__,
            "pandas": pandas.__version__, **boosting, "BLAS": blas_in_use()}


def main(arguments):
    skip_fifth = arguments[-1:] == ["skip-fifth"]
    if arguments[:1] == ["versions"]:
        return versions()
    if arguments[:1] == ["memory"]:
        return in_memory(arguments[1], arguments[2], int(arguments[3]), int(arguments[4]), skip_fifth)
    if arguments[:1] in (["csv"], ["binary"]):
        return whole_way(*arguments[:4], int(arguments[4]), skip_fifth)
    sys.exit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
