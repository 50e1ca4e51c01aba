#!/usr/bin/python3
"""Compares predictions with the formula that ml.coefficients states, computed in Python.

Rows of every kind of feature, some of them NULL, NaN or of a category no training row has: what a cell stands for
(fills, indicators, days of a date) is worked out here from the training rows alone, the sums are exact rationals.
"""
import datetime
import math
import os
import random
from collections import Counter
from fractions import Fraction

from _reference import Measured, coefficients, finish, identifier, levels, literal, psql, report, rows_of, start, train

TOLERANCE = 1e-12
EPOCH = datetime.datetime(2000, 1, 1)
measured = Measured()


class Feature:
    """A column: its SQL type, how a random value is drawn, and the number an SQL text of it stands for."""

    def __init__(self, name, type_name, draw, number=None, missing=0.0):
        self.name, self.type, self.draw, self.number, self.missing = name, type_name, draw, number, missing


def days(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH) / datetime.timedelta(microseconds=1) / 86400e6


def features(r):
    """Columns of every kind; those with missing > 0 miss values in training too."""
    day = datetime.timedelta(days=1)
    return [
        Feature("plain", "double precision", lambda: repr(r.gauss(3, 2)), float),
        Feature("gaps", "double precision", lambda: repr(r.gauss(-1, 5)), float, missing=0.2),
        Feature("single", "real", lambda: repr(r.randrange(4000) / 64), float),
        Feature("small", "smallint", lambda: str(r.randrange(-5, 50)), float),
        Feature("whole", "integer", lambda: str(r.randrange(10 ** 6)), float, missing=0.1),
        Feature("long", "bigint", lambda: str(r.randrange(10 ** 9)), float),
        Feature("exact", "numeric", lambda: "%d.%03d" % (r.randrange(100), r.randrange(1000)), float, missing=0.1),
        Feature("flag", "boolean", lambda: r.choice(["true", "false"]), lambda t: float(t == "true"), missing=0.1),
        Feature("day", "date", lambda: (EPOCH + r.randrange(7000, 9000) * day).date().isoformat(), days),
        Feature("moment", "timestamp", lambda: (EPOCH + r.random() * 9000 * day).isoformat(), days, missing=0.1),
        Feature("instant", "timestamptz", lambda: (EPOCH + r.random() * 900 * day).isoformat() + "+00",
                lambda t: days(t[:-3])),
        Feature("span", "interval", lambda: "%d hours" % r.randrange(500), lambda t: 3600.0 * int(t.split()[0])),
        Feature("colour", "text", lambda: r.choice(["red", "green", "blue", "Green", "\u00e9cru"])),
        Feature("Size of it", "varchar", lambda: r.choice(["S", "M", "L", "M"]), missing=0.2),
        Feature("grade", "reference.grade", lambda: r.choice(["low", "middle", "high"])),
    ]


def quoted(text):
    return "NULL" if text is None else literal(text)


def make_rows(r, columns, n, gaps, unseen):
    """Rows as dicts of SQL texts; gaps is the share of NULLs in any column, beside the columns' own."""
    rows = []
    for _ in range(n):
        row = {}
        for f in columns:
            u = r.random()
            row[f.name] = None if u < max(gaps, f.missing) else f.draw()
            if row[f.name] is not None and unseen and f.type in ("text", "varchar") and r.random() < 0.2:
                row[f.name] = r.choice(["never seen", "", "Red", "(other)"])
            if row[f.name] is not None and unseen and f.name in ("plain", "gaps") and r.random() < 0.1:
                row[f.name] = "NaN"
        row["vector"] = ["%r" % r.gauss(0, 1) for _ in range(3)]
        if unseen and r.random() < 0.3:
            row["vector"][r.randrange(3)] = None
        rows.append(row)
    return rows


def make_table(table, columns, rows, target):
    """Stores rows with a key n that is no feature, and the target."""
    psql("CREATE TABLE reference.%s (n integer PRIMARY KEY, %s, vector double precision[], y double precision, "
         "two boolean, three text);" % (table, ", ".join("%s %s" % (identifier(f.name), f.type) for f in columns)))
    psql("INSERT INTO reference.%s VALUES %s;" % (table, ",\n".join("(%s)" % ", ".join(
        [str(i)] + [quoted(row[f.name]) for f in columns] +
        ["ARRAY[%s]::float8[]" % ", ".join(v or "NULL" for v in row["vector"])] + list(target(row)))
        for i, row in enumerate(rows))))


def cells(columns, row):
    """What a row holds before filling: name -> number, text or None; elements of the vector are name[i]."""
    out = {}
    for f in columns:
        text = row[f.name]
        if text is None or text == "NaN":
            out[f.name] = None
        else:
            out[f.name] = f.number(text) if f.number else text
    for i, v in enumerate(row["vector"]):
        out["vector[%d]" % (i + 1)] = None if v is None else float(v)
    return out


def median(values):
    values = sorted(values)
    n = len(values)
    return values[n // 2] if n % 2 else (Fraction(values[n // 2 - 1]) + Fraction(values[n // 2])) / 2


class Encoder:
    """Learns from training rows what the default pipeline does, and turns rows into terms."""

    def __init__(self, columns, rows, categories_max):
        self.columns = columns
        table = [cells(columns, row) for row in rows]
        self.fill, self.indicated, self.kept = {}, [], {}
        for name in table[0]:
            known = [c[name] for c in table if c[name] is not None]
            missed = len(known) < len(table)
            if missed:
                self.indicated.append(name)
            if isinstance(known[0], str):
                count = Counter(known)
                order = sorted(count, key=lambda v: (-count[v], v.encode()))
                self.kept[name] = levels(order[:categories_max])
                self.fill[name] = order[0]
                self.other = len(order) > categories_max
                self.kept[name] += ["(other)"] if self.other else []
            else:
                self.fill[name] = median(known) if missed else sum(map(Fraction, known)) / len(known)

    def terms(self, row):
        out = {"intercept": Fraction(1)}
        for name, value in cells(self.columns, row).items():
            if name in self.indicated:
                out["%s is null" % name] = Fraction(value is None)
            if name not in self.kept:
                out[name] = Fraction(self.fill[name] if value is None else value)
                continue
            kept = self.kept[name]
            bucket = kept[-1] == "(other)"
            if value is None:
                value = self.fill[name]
            elif value not in (kept[:-1] if bucket else kept):
                value = "(other)" if bucket else self.fill[name]
            for level in kept[1:]:
                out["%s=%s" % (name, level)] = Fraction(value == level)
        return out


def linear_predictor(estimates, terms):
    """The exact sum of the stated terms, and the size of what is added up."""
    parts = [Fraction(b) * terms.get(t, 0) for t, b in estimates.items() if b is not None]
    return sum(parts), float(sum(map(abs, parts)))


def check(name, got, wanted, sizes=None):
    """One test: values agree relative to themselves or, where terms cancel, to the sizes of what is added up."""
    sizes = sizes or list(map(abs, wanted))
    errors = [math.inf if g is None else abs(Fraction(g) - Fraction(w)) / Fraction(s)
              for g, w, s in zip(got, wanted, sizes)]
    worst = max(range(len(errors)), key=errors.__getitem__)
    report(name, len(got) == len(wanted) > 0 and errors[worst] <= TOLERANCE,
           "row %d: got %r, wanted %r (%.1e)" % (worst, got[worst], float(wanted[worst]), float(errors[worst])))
    measured.add(name.split(": ")[-1], float(errors[worst]))


def values(query, table):
    return [row["v"] for row in rows_of("SELECT %s AS v FROM reference.%s r ORDER BY n" % (query, table))]


def sigmoid(eta):
    return 1 / (1 + math.exp(-eta)) if eta > -700 else math.exp(eta)


def regression(name, encoder, rows, table, ref):
    estimates = {t: c["estimate"] for t, c in coefficients(ref).items()}
    report("%s: the terms are those of the formula" % name,
           {"intercept"} | set(estimates) == set(encoder.terms(rows[0])), set(estimates) ^ set(encoder.terms(rows[0])))
    sums = [linear_predictor(estimates, encoder.terms(row)) for row in rows]
    got = values("ml.predict(%s, r)" % literal(ref), table)
    report("%s: NaN, NULL and unknown categories are scored" % name, None not in got)
    check("%s: ml.predict" % name, got, *zip(*sums))
    return got


def two_classes(name, encoder, rows, table, ref):
    estimates = {t: c["estimate"] for t, c in coefficients(ref).items()}
    sums = [linear_predictor(estimates, encoder.terms(row)) for row in rows]
    p = [sigmoid(float(eta)) for eta, _ in sums]
    check("%s: ml.probability" % name, values("ml.probability(%s, r)" % literal(ref), table), p)
    q = [sigmoid(-float(eta)) for eta, _ in sums]
    check("%s: ml.probability of the other class" % name,
          values("ml.probability(%s, r, 'false')" % literal(ref), table), q)
    got = values("ml.predict(%s, r, NULL::boolean)" % literal(ref), table)
    report("%s: ml.predict is the likelier class" % name, got == [eta > 0 for eta, _ in sums])
    report("%s: both classes are predicted" % name, len(set(got)) == 2)


def three_classes(name, encoder, rows, table, ref, labels):
    estimates = {label: {} for label in labels}
    for term, c in coefficients(ref).items():
        label, term = term.split(":", 1)
        estimates[label][term] = c["estimate"]
    got = values("ml.probabilities(%s, r)" % literal(ref), table)
    wanted, best = [], []
    for row in rows:
        terms = encoder.terms(row)
        sums = {label: linear_predictor(estimates[label], terms) if estimates[label] else (Fraction(0), 0.0)
                for label in labels}
        top = max(eta for eta, _ in sums.values())
        e = {label: math.exp(eta - top) for label, (eta, _) in sums.items()}
        total = math.fsum(e.values())
        wanted.append({label: v / total for label, v in e.items()})
        best.append(max(labels, key=lambda label: sums[label][0]))
    report("%s: every class has a probability" % name, all(set(g) == set(labels) for g in got))
    for label in labels:
        check("%s, class %s: ml.probabilities" % (name, label), [g.get(label) for g in got], [w[label] for w in wanted])
    report("%s: ml.predict is the likeliest class" % name,
           values("ml.predict(%s, r, NULL::text)" % literal(ref), table) == best)


def main():
    start()
    psql("CREATE TYPE reference.grade AS ENUM ('low', 'middle', 'high');")
    r = random.Random(20)
    columns = features(r)

    def target(row):
        c = cells(columns, row)
        x = sum(v if v is not None else 1 for v in (c["plain"], c["gaps"], c["vector[2]"])) + \
            {"red": 2, "blue": -3}.get(c["colour"], 0) + r.gauss(0, 4)
        return repr(x), str(x > 2).lower(), literal("abc"[(x > 0) + (x > 5)])

    training = make_rows(r, columns, 1500, 0.0, False)
    scored = make_rows(r, columns, 400, 0.15, True)
    make_table("training", columns, training, target)
    make_table("scored", columns, scored, target)
    names = [f.name for f in columns] + ["vector"]

    for name, categories_max in (("all categories", 1000), ("two categories and the rest", 2)):
        os.environ["PGOPTIONS"] = "-c pg_mlops.max_categories=%d" % categories_max
        encoder = Encoder(columns, training, categories_max)
        fits = {y: train("%s, %s" % (y, name[:3]), "reference.training", y, features=names, task=task,
                         algorithm=algorithm)["ref"]
                for y, task, algorithm in (("y", "regression", "linear_regression"),
                                           ("two", "classification", "logistic_regression"),
                                           ("three", "classification", "logistic_regression"))}
        got = regression("linear, %s" % name, encoder, scored, "scored", fits["y"])
        for form, query in (("jsonb", "ml.predict(%s, to_jsonb(r))"),
                            ("a row in another order", "(SELECT ml.predict(%%s, q) FROM (SELECT r.vector, %s) AS q)"
                             % ", ".join("r." + identifier(n) for n in reversed(names[:-1]))),
                            ("ROW()", "ml.predict(%%s, ROW(%s))" % ", ".join("r." + identifier(n) for n in names))):
            again = values(query % literal(fits["y"]), "scored")
            keep = [i for i, row in enumerate(scored) if "NaN" not in row.values() or form != "jsonb"]
            report("linear, %s: %s predicts the same" % (name, form),
                   [again[i] for i in keep] == [got[i] for i in keep])
        two_classes("two classes, %s" % name, encoder, scored, "scored", fits["two"])
        three_classes("three classes, %s" % name, encoder, scored, "scored", fits["three"], ["a", "b", "c"])

    # with the categories of the last round
    refs = [train("%s, no intercept" % y, "reference.training", y, features=names, algorithm=algorithm,
                  params={"intercept": False})["ref"]
            for y, algorithm in (("y", "linear_regression"), ("two", "logistic_regression"))]
    regression("linear, no intercept", encoder, scored, "scored", refs[0])
    two_classes("two classes, no intercept", encoder, scored, "scored", refs[1])
    measured.tell()
    finish()


if __name__ == "__main__":
    main()
