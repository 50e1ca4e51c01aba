#!/usr/bin/python3
"""Compares what the kinds of checks that judge data observe with the answers of plain SQL queries and of SciPy.

Every kind that observes a number is asked of columns of real data sets, with values that are missing and a condition.
SciPy computes moments, entropies, mutual information and correlations over again. (Statistics of distributions: drift.py.)
"""
import numpy as np
import scipy.stats

from _reference import (Measured, agree, dataset, finish, identifier, is_category, literal, psql, report, rows_of, skip, start,
                        store)

# name -> (numbers, categories, condition)
TABLES = {
    "diamonds": (["carat", "price", "depth"], ["cut", "color"], "price > 1000"),
    "adult": (["age", "hours_per_week", "capital_gain"], ["workclass", "occupation", "income"], "age < 40"),
    "california_housing": (None, [], "id % 2 = 0"),
    "bike_sharing_hour": (["cnt", "temp", "hum"], ["season", "weathersit"], "hr > 12"),
    "telco_churn": (None, None, "id % 3 = 0"),
    "penguins": (None, None, "id > 50"),
}
COLUMNS_MAX = 4
measured = Measured()


def value_of(observed):
    return None if observed is None else observed.get("value", observed.get("failed_share"))


class Suite:
    """Checks with the query that answers each, asked together."""

    def __init__(self, table, name):
        self.table, self.name = table, name
        self.queries, self.kinds, self.calls = {}, {}, []

    def add(self, kind, columns, query, params=None, where=None):
        check = "%s %d" % (kind, len(self.queries))
        if where:
            params = dict(params or {}, where=where)
        self.calls.append("SELECT ml.add_check(%s, %s, %s, %s, name => %s);"
                          % (literal(self.name), literal(kind), literal(columns) if columns else "'{}'", literal(params or {}), literal(check)))
        self.queries[check] = query
        self.kinds[check] = kind

    def compare(self):
        psql("\n".join(self.calls))
        got = {r["name"]: value_of(r["observed"]) for r in
               rows_of("SELECT name, observed FROM ml.check_data(%s, %s)" % (literal(self.name), literal(self.table)))}
        want = rows_of("SELECT " + ", ".join("(%s)::float8 AS %s" % (q, identifier(c)) for c, q in self.queries.items()))[0]
        for kind in sorted(set(self.kinds.values())):
            names = [c for c in self.queries if self.kinds[c] == kind]
            measured.add(kind, agree("%s: %s" % (self.name, kind), {c: number(got[c]) for c in names},
                                     {c: number(want[c]) for c in names}, 1e-9))


def number(x):
    return float(x) if isinstance(x, (bool, int)) else x


def counts(of, source, present):
    return "SELECT count(*)::float8 AS c FROM %s WHERE %s GROUP BY %s" % (source, present, of)


def add_numbers(suite, column, where):
    """Kinds about one column of numbers."""
    x, t = identifier(column), suite.table
    s = "(SELECT * FROM %s%s) AS s" % (t, " WHERE " + where if where else "")
    any_bound = {"min": 0}
    for kind, sql in (("mean", "avg(%s)"), ("median", "percentile_cont(0.5) WITHIN GROUP (ORDER BY %s)"), ("stddev", "stddev(%s)"),
                      ("variance", "variance(%s)"), ("sum", "sum(%s)"), ("min", "min(%s)"), ("max", "max(%s)"),
                      ("null_fraction", "avg((%s IS NULL)::int)"), ("completeness", "avg((%s IS NOT NULL)::int)"),
                      ("zero_fraction", "avg((%s = 0)::int)"), ("distinct_count", "count(DISTINCT %s)")):
        suite.add(kind, [column], "SELECT %s FROM %s" % (sql % x, s), any_bound, where)
    for q in (0.01, 0.25, 0.9):
        suite.add("quantile", [column], "SELECT percentile_cont(%s) WITHIN GROUP (ORDER BY %s) FROM %s" % (q, x, s), dict(any_bound, q=q), where)
    suite.add("interquartile_range", [column], "SELECT percentile_cont(0.75) WITHIN GROUP (ORDER BY %s) - "
              "percentile_cont(0.25) WITHIN GROUP (ORDER BY %s) FROM %s" % (x, x, s), any_bound, where)
    centred = "FROM %s, (SELECT avg(%s) AS m FROM %s) AS m" % (s, x, s)
    suite.add("skewness", [column], "SELECT avg((%s - m)^3) / avg((%s - m)^2)^1.5 %s" % (x, x, centred), any_bound, where)
    suite.add("kurtosis", [column], "SELECT avg((%s - m)^4) / avg((%s - m)^2)^2 - 3 %s" % (x, x, centred), {"min": -10}, where)
    suite.add("nan_fraction", [column], "0", any_bound, where)


def add_values(suite, columns, where):
    """Kinds about how often values, or combinations, occur."""
    t = suite.table
    s = "(SELECT * FROM %s%s) AS s" % (t, " WHERE " + where if where else "")
    of = ", ".join(identifier(c) for c in columns)
    present = " AND ".join(identifier(c) + " IS NOT NULL" for c in columns)
    c = counts(of, s, present)
    any_bound = {"min": 0}
    rows = "(SELECT count(*) FROM %s)" % s
    suite.add("distinctness", columns, "SELECT count(*) / sum(c) FROM (%s) AS g" % c, any_bound, where)
    suite.add("uniqueness", columns, "SELECT count(*) FILTER (WHERE c = 1) / sum(c) FROM (%s) AS g" % c, any_bound, where)
    suite.add("uniqueness", columns, "SELECT avg((c = 1)::int) FROM (%s) AS g" % c, dict(any_bound, of="values"), where)
    suite.add("entropy", columns, "SELECT sum(-c / n * ln(c / n)) FROM (SELECT c, sum(c) OVER () AS n FROM (%s) AS g) AS g" % c, any_bound, where)
    suite.add("unique", columns, "SELECT 1 - coalesce(sum(c) FILTER (WHERE c > 1), 0) / %s FROM (%s) AS g" % (rows, c), None, where)
    suite.add("primary_key", columns, "SELECT coalesce(sum(c) FILTER (WHERE c = 1), 0) / %s FROM (%s) AS g" % (rows, c), None, where)
    suite.add("duplicate_rows", columns, "SELECT %s - count(*) FROM (SELECT DISTINCT %s FROM %s) AS d" % (rows, of, s), None, where)
    suite.add("row_count", None, "SELECT count(*) FROM %s" % s, any_bound, where)
    if len(columns) == 1:
        suite.add("most_common_share", columns, "SELECT max(c) / sum(c) FROM (%s) AS g" % c, {"max": 1}, where)
        suite.add("constant_column", columns, "SELECT max(c) / sum(c) FROM (%s) AS g" % c, None, where)
        suite.add("distinct_in_set", columns, "SELECT count(*) FROM (%s) AS g" % c, {"values": ["1"]} , where)
        suite.add("group_coverage", columns, "SELECT min(c) / sum(c) FROM (%s) AS g" % c, {"min_share": 0.01}, where)


def add_pairs(suite, a, b, where, numbers):
    s = "(SELECT * FROM %s%s) AS s" % (suite.table, " WHERE " + where if where else "")
    x, y = identifier(a), identifier(b)
    if numbers:
        suite.add("correlation", [a, b], "SELECT corr(%s, %s) FROM %s" % (x, y, s), {"min": 0}, where)
        return
    suite.add("mutual_information", [a, b],
              "SELECT sum(c / n * ln(c * n / (cx * cy))) FROM (SELECT c, sum(c) OVER () AS n, sum(c) OVER (PARTITION BY x) AS cx, "
              "sum(c) OVER (PARTITION BY y) AS cy FROM (SELECT %s AS x, %s AS y, count(*)::float8 AS c FROM %s WHERE %s IS NOT NULL "
              "AND %s IS NOT NULL GROUP BY 1, 2) AS j) AS j" % (x, y, s, x, y), {"min": 0}, where)
    suite.add("group_missingness", [a, b], "SELECT max(m) - min(m) FROM (SELECT avg((%s IS NULL)::int) AS m FROM %s WHERE %s IS NOT NULL "
              "GROUP BY %s) AS g" % (y, s, x, x), {"max_difference": 1}, where)
    suite.add("conflicting_labels", [a, b], "SELECT coalesce(sum(c) FILTER (WHERE d > 1), 0) / sum(c) FROM (SELECT count(*)::float8 AS c, "
              "count(DISTINCT %s) AS d FROM %s WHERE %s IS NOT NULL GROUP BY %s) AS g" % (y, s, y, x), None, where)


def add_order(suite, column, order):
    x, o = identifier(column), identifier(order)
    suite.add("monotonic", [column], "SELECT 1 - count(*) / (SELECT count(*)::float8 FROM %s) FROM (SELECT %s AS x, lag(%s) OVER "
              "(ORDER BY %s, %s) AS p FROM %s WHERE %s IS NOT NULL) AS s WHERE x < p" % (suite.table, x, x, o, x, suite.table, x), {"order_by": order})
    suite.add("no_gaps", [column], "SELECT count(*) FROM (SELECT d - lag(d) OVER (ORDER BY d) AS gap FROM (SELECT DISTINCT %s AS d FROM %s) "
              "AS d) AS g WHERE gap > 1.5" % (x, suite.table), {"step": 1.5})


def add_scipy(suite, frame, numbers, categories):
    """What SciPy says of whole columns."""
    for column in numbers:
        x = np.array([v for v in frame[column] if v is not None], dtype=float)
        suite.add("skewness", [column], repr(float(scipy.stats.skew(x))), {"min": 0})
        suite.add("kurtosis", [column], repr(float(scipy.stats.kurtosis(x))), {"min": 0})
        suite.add("interquartile_range", [column], repr(float(scipy.stats.iqr(x))), {"min": 0})
    for column in categories:
        _, c = np.unique([str(v) for v in frame[column] if v is not None], return_counts=True)
        suite.add("entropy", [column], repr(float(scipy.stats.entropy(c))), {"min": 0})
    for a, b in zip(categories, categories[1:]):
        both = [(str(v), str(w)) for v, w in zip(frame[a], frame[b]) if v is not None and w is not None]
        table = scipy.stats.contingency.crosstab(*zip(*both)).count
        p = table / table.sum()
        outer = np.outer(p.sum(axis=1), p.sum(axis=0))
        suite.add("mutual_information", [a, b], repr(float(scipy.stats.entropy(p.ravel(), outer.ravel()))), {"min": 0})
    for a, b in zip(numbers, numbers[1:]):
        both = np.array([(v, w) for v, w in zip(frame[a], frame[b]) if v is not None and w is not None], dtype=float)
        suite.add("correlation", [a, b], repr(float(scipy.stats.pearsonr(both[:, 0], both[:, 1])[0])), {"min": 0})


def compare(name):
    frame = dataset(name)
    if frame is None:
        skip(name, "the data set is not there")
        return
    if "id" not in frame:
        frame = dict(id=list(range(1, len(next(iter(frame.values()))) + 1)), **frame)
    numbers, categories, where = TABLES[name]
    every = [c for c in frame if c != "id"]
    if numbers is None:
        numbers = [c for c in every if not is_category(frame[c]) and not any(isinstance(v, bool) for v in frame[c])][:COLUMNS_MAX]
    if categories is None:
        categories = [c for c in every if is_category(frame[c])][:COLUMNS_MAX]
    table = store(name, frame)
    suite = Suite(table, name)
    for condition in (None, where):
        for column in numbers:
            add_numbers(suite, column, condition)
        for columns in [[c] for c in categories] + [numbers[:2], categories[:2] + numbers[:1]]:
            add_values(suite, columns, condition)
        for a, b in zip(numbers, numbers[1:]):
            add_pairs(suite, a, b, condition, True)
        for a, b in zip(categories, categories[1:]):
            add_pairs(suite, a, b, condition, False)
    add_order(suite, numbers[0], "id")
    suite.compare()
    peer = Suite(table, name + ", SciPy")
    add_scipy(peer, frame, numbers, categories)
    peer.compare()


start()
for table_name in TABLES:
    compare(table_name)
kinds = {r["kind"] for r in rows_of("SELECT kind FROM ml.checks")}
report("kinds compared", len(kinds) >= 28, sorted(kinds))
measured.tell()
finish()
