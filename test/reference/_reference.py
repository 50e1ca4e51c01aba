"""What the reference tests share: TAP lines, psql, data sets, R, and calls of the extension.

The server is the one that PGHOST, PGPORT, PGUSER and PGDATABASE name; its database has the extension. Tables are made
in the schema reference, which start() makes anew. Data sets come from the folder ML_DATA, or ../shared/data beside the
repository; those that scikit-learn bundles come from it where the folder is absent, with the same rows and names.

A data set is a dict of columns: name -> list of float, bool, str or None. A column whose values are all whole numbers
holds int.
"""
import csv
import gzip
import io
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATA = os.environ.get("ML_DATA") or os.path.join(os.path.dirname(ROOT), "shared", "data")

_seen = 0
_failed = 0


# --- TAP ----------------------------------------------------------------

def report(name, ok, detail=""):
    """Prints the line of one test, and why it failed."""
    global _seen, _failed
    _seen += 1
    _failed += not ok
    print(("ok %d - %s" if ok else "not ok %d - %s") % (_seen, name), flush=True)
    if not ok and detail:
        print("# " + str(detail).replace("\n", "\n# "), flush=True)


def skip(name, reason):
    global _seen
    _seen += 1
    print("ok %d - %s # skip %s" % (_seen, name, reason), flush=True)


def note(text):
    """Says a measured number; the harness shows it beside failures only."""
    print("# " + text, flush=True)


def finish():
    """Prints the plan and ends with the status that says whether all passed."""
    print("1..%d" % _seen)
    sys.exit(_failed > 0)


# --- comparing ----------------------------------------------------------

def difference(got, want):
    """The relative difference of two numbers; None equals None only."""
    if got is None or want is None:
        return 0.0 if got is None and want is None else math.inf
    if got == want:
        return 0.0
    return abs(got - want) / abs(want) if want != 0 else math.inf


def agree(name, got, want, tolerance):
    """
    One test: two dicts of numbers have the same keys and agree to a relative tolerance. Returns the worst relative
    difference.
    """
    if list(got) != list(want):
        report(name, False, "got %s\nwanted %s" % (list(got), list(want)))
        return math.inf
    worst = max(want, key=lambda k: difference(got[k], want[k]))
    d = difference(got[worst], want[worst])
    report(name, len(want) > 0 and d <= tolerance,
           "worst of %d: %s is %r, wanted %r (%.1e)" % (len(want), worst, got[worst], want[worst], d))
    return d


class Measured:
    """The worst differences of a run by kind, for the summary at its end."""

    def __init__(self):
        self.worst = {}

    def add(self, kind, value):
        self.worst[kind] = max(self.worst.get(kind, 0.0), value)

    def tell(self):
        for kind, value in self.worst.items():
            note("worst relative difference, %s: %.1e" % (kind, value))


# --- the server ---------------------------------------------------------

def psql(script, rows=None):
    """Runs a script, which may end in COPY FROM STDIN that reads rows; returns the lines of its output."""
    if rows is not None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        script = script + "\n" + out.getvalue() + "\\.\n"
    run = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-f", "-"],
                         input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, PGCLIENTENCODING="UTF8"))
    if run.returncode != 0:
        raise RuntimeError("psql failed: " + run.stderr.strip())
    return run.stdout.splitlines()


def literal(value):
    """A Python value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value)):
        return literal(json.dumps(value)) + "::jsonb"
    if isinstance(value, (list, tuple)):
        return "ARRAY[" + ", ".join(literal(v) for v in value) + "]::text[]"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + value.replace("'", "''") + "'"


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def rows_of(query):
    """The rows of a query as dicts."""
    return [json.loads(line) for line in psql("SELECT to_jsonb(q) FROM (%s) AS q;" % query)]


def start():
    psql("SET client_min_messages = warning; DROP SCHEMA IF EXISTS reference CASCADE; CREATE SCHEMA reference;")


def sql_type(column):
    for kind, name in ((bool, "boolean"), (str, "text"), (float, "double precision"), (int, "integer")):
        if any(isinstance(v, kind) for v in column):
            return name
    return "text"


def store(table, frame, types=None):
    """Makes reference.table of a data set; types overrides the SQL types of columns."""
    types = types or {}
    columns = ", ".join(identifier(c) + " " + types.get(c, sql_type(v)) for c, v in frame.items())

    def cell(v):
        return "" if v is None else repr(v) if isinstance(v, float) else v

    psql("CREATE TABLE reference.%s (%s);\nCOPY reference.%s FROM STDIN WITH (FORMAT csv);"
         % (identifier(table), columns, identifier(table)),
         rows=[[cell(v) for v in row] for row in zip(*frame.values())])
    return "reference." + identifier(table)


def train(model, source, target, **arguments):
    """
    Calls ml.train on all rows of a source; returns its row, with the version's reference as ref. The model's name gets
    that of the test in front.
    """
    model = (os.path.basename(sys.argv[0]) + " " + model).replace("/", "|")[:60]
    arguments.setdefault("split", {"method": "none"})
    arguments = dict(model=model, source=source, target=target, **arguments)
    call = ", ".join("%s => %s" % (k, literal(v)) for k, v in arguments.items())
    row = rows_of("SELECT * FROM ml.train(%s)" % call)[0]
    row["ref"] = "%s/%d" % (row["model"], row["version"])
    return row


def coefficients(ref):
    """The terms of a version in order: term -> dict of estimate, std_error and so on."""
    return {row["term"]: row for row in rows_of("SELECT * FROM ml.coefficients(%s)" % literal(ref))}


def summary(ref):
    return {row["name"]: row["value"] for row in rows_of("SELECT * FROM ml.summary(%s)" % literal(ref))}


# --- data sets ----------------------------------------------------------

def _number(text):
    """What a field of a file means."""
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _settle(columns):
    """Gives each column one type."""
    out = {}
    for name, values in columns.items():
        if any(isinstance(v, str) for v in values):
            values = [v if v is None else str(v) for v in values]
        elif any(isinstance(v, float) for v in values):
            values = [v if v is None else float(v) for v in values]
        out[name] = values
    return out


def _read_csv(stream):
    rows = csv.reader(stream)
    header = next(rows)
    fields = list(zip(*rows))
    numeric = [all(f == "" or not isinstance(_number(f), str) for f in column) for column in fields]
    return _settle({name: [_number(f) if is_number else f or None for f in column]
                    for name, column, is_number in zip(header, fields, numeric)})


_BUNDLED = {"diabetes": "target", "breast_cancer": "class", "iris": "class", "wine": "class", "digits": "digit"}


def _bundled(name):
    """A data set of scikit-learn's, shaped like the file of that name."""
    from sklearn import datasets
    options = {"scaled": False} if name == "diabetes" else {}
    d = getattr(datasets, "load_" + name)(**options)
    frame = {"id": list(range(1, len(d.target) + 1))}
    for j, column in enumerate(d.feature_names):
        if name == "digits":
            column = "p%02d" % j
        column = column.replace(" (cm)", "_cm").replace("/", "_").replace(" ", "_")
        frame[column] = [float(v) for v in d.data[:, j]]
    if name in ("breast_cancer", "iris", "wine"):
        frame["class"] = [str(d.target_names[k]) for k in d.target]
    elif name == "digits":
        frame = {c: [int(v) for v in values] for c, values in frame.items()}
        frame["digit"] = [int(v) for v in d.target]
    else:
        frame["target"] = [float(v) for v in d.target]
    return frame


def dataset(name):
    """A data set by name, or None where neither the folder nor scikit-learn has it."""
    path = os.path.join(DATA, name + ".csv.gz")
    if os.path.exists(path):
        with gzip.open(path, "rt", newline="", encoding="utf-8") as f:
            return _read_csv(f)
    return _bundled(name) if name in _BUNDLED else None


def from_r(name):
    """A data set of R's, with a column id in front; column names are lower case with underscores."""
    frame = _read_csv(io.StringIO(run_r("data", name)))
    return {c.lower().replace(".", "_"): values for c, values in frame.items()}


def complete(frame, columns=None):
    """The rows that miss no value."""
    columns = list(columns or frame)
    keep = [i for i, row in enumerate(zip(*(frame[c] for c in columns))) if None not in row]
    return {c: [frame[c][i] for i in keep] for c in columns}


def pick(frame, columns):
    return {c: frame[c] for c in columns}


def where(frame, keep):
    """The rows at which keep is true."""
    return {c: [v for v, k in zip(values, keep) if k] for c, values in frame.items()}


def is_category(column):
    return any(isinstance(v, str) for v in column)


def levels(column):
    """The different texts of a column, bytewise."""
    return sorted({v for v in column if v is not None}, key=lambda v: v.encode())


def design(frame, features, intercept=True):
    """
    Treatment-coded design: (terms, matrix), named as ml.coefficients names them, the bytewise first level of a category
    being the reference.
    """
    n = len(frame[features[0]])
    terms, columns = [], []
    if intercept:
        terms.append("intercept")
        columns.append(np.ones(n))
    for feature in features:
        values = frame[feature]
        if not is_category(values):
            terms.append(feature)
            columns.append(np.array(values, dtype=float))
            continue
        for level in levels(values)[1:]:
            terms.append("%s=%s" % (feature, level))
            columns.append(np.array([float(v == level) for v in values]))
    return terms, np.column_stack(columns)


# --- R ------------------------------------------------------------------

def run_r(*arguments):
    """The output of _fit.R; R's warnings are lines of it that begin with warning."""
    run = subprocess.run(["Rscript", "--vanilla", os.path.join(HERE, "_fit.R")] + list(arguments), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C.UTF-8"))
    if run.returncode != 0:
        raise RuntimeError("Rscript failed: " + run.stderr.strip())
    return run.stdout


def fit_r(kind, frame, target, features, weight=None, intercept=True):
    """
    What R's lm or glm (kind binomial) says: (terms, figures, warnings); terms: our name -> dict like coefficients().
    """
    names = {"(Intercept)": "intercept"}
    columns = {}
    formula = []
    for j, feature in enumerate(features):
        short = "v%d_" % j
        columns[short] = frame[feature]
        formula.append(short)
        names[short] = feature
        if is_category(frame[feature]):
            names.update({short + level: "%s=%s" % (feature, level) for level in levels(frame[feature])[1:]})
    columns["y_"] = [int(v) if isinstance(v, bool) else v for v in frame[target]]
    if weight:
        columns["w_"] = frame[weight]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        out.writerows([repr(v) if isinstance(v, float) else v for v in row] for row in zip(*columns.values()))
        f.flush()
        text = run_r(kind, f.name, "y_ ~ " + ("" if intercept else "0 + ") + " + ".join(formula))
    terms, figures, warnings = {}, {}, []
    for line in text.splitlines():
        what, *fields = line.split("\t")
        if what == "coefficient":
            numbers = [None if v in ("NA", "NaN") else float(v) for v in fields[1:]]
            terms[names[fields[0]]] = dict(zip(("estimate", "std_error", "statistic", "p_value"), numbers))
        elif what == "figure":
            figures[fields[0]] = None if fields[1] in ("NA", "NaN") else float(fields[1])
        elif what == "warning":
            # integer weights are R's custom, not a condition of the fit
            warnings += [] if "non-integer" in fields[0] else fields[:1]
    return terms, figures, warnings
