#!/usr/bin/python3
"""Compares what the steps for categories, texts and times make of rows with scikit-learn's encoders and with formulas.

A version is trained on the rows where is_test is false; ml.transform then gives all rows as the learner sees them, from
the artifact. Rows to be scored have values that no training row has, and NULLs. What scikit-learn has no encoder for is
computed here from the training rows.
"""
import datetime
import json
import math
from zoneinfo import ZoneInfo

import numpy as np

from _reference import (Measured, dataset, finish, identifier, literal, note, psql, report, rows_of, skip, start, store,
                        train)

TOLERANCE = 1e-12
ROWS = 4000
measured = Measured()


def compare(name, source, arguments, want, target="y"):
    """
    One test: trains and compares every cell of every row. want(rows) maps column -> list of numbers, None where there
    is no value, with the rows of the source as dicts in the order of id.
    """
    arguments.setdefault("algorithm", "gradient_boosting")
    arguments.setdefault("params", {"n_trees": 2})
    arguments["pipeline"] = json.dumps(arguments["pipeline"])
    ref = train(name, source, target, split={"method": "column", "column": "is_test"}, **arguments)["ref"]
    rows = rows_of("SELECT * FROM %s ORDER BY id" % source)
    got = [r["x"] for r in rows_of("SELECT ml.transform(%s, t) AS x FROM %s AS t ORDER BY id" % (literal(ref), source))]
    want = want(rows)
    if set(got[0]) != set(want):
        report(name, False, "columns %s\nwanted %s" % (sorted(got[0]), sorted(want)))
        return
    worst, where = 0.0, None
    for column, values in want.items():
        for row, g, w in zip(rows, got, values):
            g = g[column]
            missing = w is None or (isinstance(w, float) and math.isnan(w))
            d = (0.0 if g is None and missing else math.inf if g is None or missing else
                 abs(g - w) / max(abs(w), 1.0))
            if d > worst:
                worst, where = d, "row %s, column %s: %r, wanted %r" % (row["id"], column, g, w)
    measured.add(name.split(" ")[0], worst)
    report(name + ": %d columns of %d rows" % (len(want), len(rows)), worst <= TOLERANCE, where)


def training(rows):
    return [r for r in rows if not r["is_test"]]


def bytewise(texts):
    return sorted(set(texts), key=lambda t: t.encode())


def matrix(columns, values):
    return {c: [float(v) for v in values[:, k]] for k, c in enumerate(columns)}


# --- categories ---------------------------------------------------------

def one_hot(column, **options):
    """scikit-learn's encoder on the training rows that have a value; rows without one have zeros."""
    from sklearn.preprocessing import OneHotEncoder

    def want(rows):
        encoder = OneHotEncoder(sparse_output=False, **options)
        encoder.fit([[r[column]] for r in training(rows) if r[column] is not None])
        kept = list(encoder.categories_[0])
        rare = [] if encoder.infrequent_categories_[0] is None else list(encoder.infrequent_categories_[0])
        columns = ["%s=%s" % (column, t) for t in kept if t not in rare] + (["%s=(other)" % column] if rare else [])
        out = np.zeros((len(rows), len(columns)))
        known = [i for i, r in enumerate(rows) if r[column] is not None]
        out[known] = encoder.transform([[rows[i][column]] for i in known])
        return matrix(columns, out)
    return want


def ordinal(column, order=None, unseen=None, missing=None):
    from sklearn.preprocessing import OrdinalEncoder

    def want(rows):
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan if unseen is None else unseen,
                                 categories=[order] if order else [bytewise(r[column] for r in training(rows)
                                                                           if r[column] is not None)])
        encoder.fit([[r[column]] for r in training(rows) if r[column] is not None])
        return {column: [missing if r[column] is None else float(encoder.transform([[r[column]]])[0, 0]) for r in rows]}
    return want


def hashed(columns, buckets, signed):
    from sklearn.feature_extraction import FeatureHasher

    def want(rows):
        out = {}
        for column in columns:
            hasher = FeatureHasher(n_features=buckets, input_type="string", alternate_sign=signed)
            x = hasher.transform([[] if r[column] is None else [r[column]] for r in rows]).toarray()
            out.update(matrix(["%s#%d" % (column, k) for k in range(buckets)], x))
        return out
    return want


def counted(column, share):
    def want(rows):
        learned = training(rows)
        count = {}
        for r in learned:
            count[r[column]] = count.get(r[column], 0) + 1
        return {column: [count.get(r[column], 0) / (len(learned) if share else 1) for r in rows]}
    return want


def target_means(column, smoothing, targets, weight=None):
    """targets: name of the column that comes out -> the number of a row's target."""
    def want(rows):
        learned = training(rows)
        out = {}
        for name, number in targets.items():
            sums, weights = {}, {}
            for r in learned:
                w = r[weight] if weight else 1
                sums[r[column]] = sums.get(r[column], 0) + w * number(r)
                weights[r[column]] = weights.get(r[column], 0) + w
            prior = math.fsum(sums.values()) / math.fsum(weights.values())
            out[name] = [(sums[r[column]] + smoothing * prior) / (weights[r[column]] + smoothing)
                         if r[column] in sums else prior for r in rows]
        return out
    return want


def categories(adult):
    def run(name, step, want, **more):
        compare(name, adult, dict({"features": ["occupation"], "pipeline": [step]}, **more), want, "age")

    for text, params, options in (
            ("max_levels", {"max_levels": 5}, {"max_categories": 6}),
            ("min_count", {"min_count": 200}, {"min_frequency": 200}),
            ("max_levels and min_count", {"max_levels": 9, "min_count": 250}, {"max_categories": 10, "min_frequency": 250})):
        run("one_hot by " + text, dict({"step": "one_hot", "drop": False}, **params),
            one_hot("occupation", handle_unknown="infrequent_if_exist", **options))
    run("one_hot that keeps all", {"step": "one_hot", "drop": False, "min_count": 1},
        one_hot("occupation", handle_unknown="infrequent_if_exist", max_categories=1000))
    run("ordinal", {"step": "ordinal"}, ordinal("occupation"))
    run("ordinal with numbers for the others", {"step": "ordinal", "unseen": -1, "missing": -2},
        ordinal("occupation", unseen=-1, missing=-2))
    order = [r["education"] for r in rows_of("SELECT education, min(education_num) FROM %s GROUP BY 1 ORDER BY 2" % adult)]
    compare("ordinal in an order", adult, {"features": ["education"], "pipeline": [
        {"step": "ordinal", "order": {"education": order}}]}, ordinal("education", order=order), "age")
    for signed in (True, False):
        compare("hash_encode%s" % ("" if signed else " without signs"), adult,
                {"features": ["occupation", "native_country"],
                 "pipeline": [{"step": "hash_encode", "buckets": 7, "signed": signed}]},
                hashed(["occupation", "native_country"], 7, signed), "age")
    run("count_encode", {"step": "count_encode"}, counted("occupation", False))
    run("count_encode shares", {"step": "count_encode", "share": True}, counted("occupation", True))
    run("target_encode of a number", {"step": "target_encode"},
        target_means("occupation", 10, {"occupation": lambda r: r["age"]}))
    run("target_encode without smoothing", {"step": "target_encode", "smoothing": 0},
        target_means("occupation", 0, {"occupation": lambda r: r["age"]}))
    run("target_encode with weights", {"step": "target_encode", "smoothing": 2.5},
        target_means("occupation", 2.5, {"occupation": lambda r: r["age"]}, weight="fnlwgt"), weight="fnlwgt")
    compare("target_encode of two classes", adult, {"features": ["occupation"], "pipeline": [{"step": "target_encode"}]},
            target_means("occupation", 10, {"occupation": lambda r: r["income"] == ">50K"}), "income")
    classes = bytewise(r["race"] for r in rows_of("SELECT race FROM %s" % adult))
    compare("target_encode of %d classes" % len(classes), adult,
            {"features": ["occupation"], "pipeline": [{"step": "target_encode"}]},
            target_means("occupation", 10, {"occupation=" + c: (lambda r, c=c: r["race"] == c) for c in classes}), "race")


# --- times --------------------------------------------------------------

CYCLES = {"quarter": (1, 4), "month": (1, 12), "day": (1, None), "weekday": (1, 7), "hour": (0, 24)}


def days_of_month(t):
    following = datetime.date(t.year + t.month // 12, t.month % 12 + 1, 1)
    return (following - datetime.date(t.year, t.month, 1)).days


def parts_of(t, name):
    return {"year": t.year, "quarter": (t.month + 2) // 3, "month": t.month, "day": t.day, "weekday": t.isoweekday(),
            "hour": t.hour, "is_weekend": int(t.isoweekday() > 5)}[name]


def dated(columns, parts, cyclic=False, zone="UTC"):
    def want(rows):
        out = {}
        for column in columns:
            for part in parts:
                if part == "hour" and column == "day":
                    continue
                names = [column + "." + part]
                if cyclic and part in CYCLES:
                    names = [names[0] + "_sin", names[0] + "_cos"]
                for k, name in enumerate(names):
                    out[name] = []
                    for r in rows:
                        if r[column] is None:
                            out[name].append(None)
                            continue
                        t = datetime.datetime.fromisoformat(r[column])
                        if t.tzinfo:
                            t = t.astimezone(ZoneInfo(zone))
                        value = parts_of(t, part)
                        if len(names) == 2:
                            first, count = CYCLES[part]
                            angle = 2 * math.pi * (value - first) / (count or days_of_month(t))
                            value = (math.sin, math.cos)[k](angle)
                        out[name].append(value)
        return out
    return want


def times():
    """Hours of the bicycles, some of them NULL; instants about the changes of clocks, to the microsecond."""
    bike = dataset("bike_sharing_hour")
    if bike is None:
        skip("date_parts", "there is no data set bike_sharing_hour")
        return
    store("bike", {c: bike[c][:6000] for c in ("id", "dteday", "hr", "cnt")})
    psql("""CREATE TABLE reference.hours AS
        SELECT id, id % 5 = 0 AS is_test, cnt AS y,
               CASE WHEN id % 11 > 0 THEN dteday::date END AS day,
               CASE WHEN id % 13 > 0 THEN dteday::date + make_interval(hours => hr) END AS at,
               CASE WHEN id % 3 = 0 THEN timestamptz '2011-03-27 00:59:59.999999+00' + id / 3 * interval '1 hour'
                    ELSE timestamptz '1900-01-01 00:00+00' + id * interval '11 days 7:13:05.000001' END AS instant
        FROM reference.bike""")
    every = list(CYCLES)
    parts = ["year"] + every + ["is_weekend"]
    arguments = {"features": ["day", "at", "instant"]}
    psql("SET timezone = 'UTC'; ALTER DATABASE %s SET timezone = 'UTC'" %
         identifier(psql("SELECT current_database()")[0]))
    compare("date_parts", "reference.hours", dict(arguments, pipeline=[{"step": "date_parts"}]),
            dated(arguments["features"], parts))
    compare("date_parts in Berlin", "reference.hours",
            dict(arguments, pipeline=[{"step": "date_parts", "timezone": "Europe/Berlin", "parts": ["hour", "day", "year"]}]),
            beside(dated(["day", "at", "instant"], ["hour", "day", "year"], zone="Europe/Berlin"), {"day.hour": 0}))
    compare("date_parts of cycles", "reference.hours",
            dict(arguments, pipeline=[{"step": "date_parts", "cyclic": True}]),
            dated(arguments["features"], parts, cyclic=True))


def beside(want, more):
    """The same with columns that have one value wherever the date has one."""
    def both(rows):
        out = want(rows)
        for name, value in more.items():
            out[name] = [None if r[name.split(".")[0]] is None else value for r in rows]
        return out
    return both


# --- texts --------------------------------------------------------------

def tfidf(source, config, max_terms=1000, min_documents=2, max_share=1.0, **options):
    from sklearn.feature_extraction.text import TfidfTransformer

    def want(rows):
        counts = [r["terms"] or {} for r in rows_of(
            "SELECT (SELECT jsonb_object_agg(lexeme, cardinality(positions)) FROM unnest(to_tsvector(%s, body))) AS terms "
            "FROM %s ORDER BY id" % (literal(config), source))]
        learned = [c for r, c in zip(rows, counts) if not r["is_test"]]
        documents = {}
        for c in learned:
            for term in c:
                documents[term] = documents.get(term, 0) + 1
        terms = [t for t, n in documents.items() if n >= min_documents and n <= max_share * len(learned)]
        terms = sorted(sorted(terms, key=lambda t: (-documents[t], t.encode()))[:max_terms], key=lambda t: t.encode())
        weigh = TfidfTransformer(**options)
        weigh.fit(np.array([[float(c.get(t, 0)) for t in terms] for c in learned]))
        x = weigh.transform(np.array([[float(c.get(t, 0)) for t in terms] for c in counts])).toarray()
        return matrix(["body~" + t for t in terms], x)
    return want


def texts(adult):
    psql("""CREATE TABLE reference.texts AS
        SELECT id, is_test, age AS y,
               CASE WHEN id %% 17 > 0 THEN concat_ws(' ', occupation, 'works as', workclass, occupation, education,
                   marital_status, 'from', native_country, 'running runs', repeat(relationship || ' ', (id %% 4)::int)) END AS body
        FROM %s""" % adult)
    for name, config, params, options in (
            ("tfidf", "english", {}, {}),
            ("tfidf by simple", "simple", {"min_documents": 20, "max_share": 0.6}, {}),
            ("tfidf of forty terms", "english", {"max_terms": 40, "norm": "none"}, {"norm": None}),
            ("tfidf sublinear", "english", {"sublinear": True, "smooth": False}, {"sublinear_tf": True, "smooth_idf": False}),
            ("tfidf without idf", "english", {"use_idf": False}, {"use_idf": False})):
        compare(name, "reference.texts", {"features": ["body"], "pipeline": [dict(params, step="tfidf", config=config)]},
                tfidf("reference.texts", config, **{k: v for k, v in params.items()
                                                    if k in ("max_terms", "min_documents", "max_share")}, **options))


# --- several at once ----------------------------------------------------

def together(adult):
    """Steps in a row, each for columns of its own, and one for what they leave."""
    from sklearn.preprocessing import StandardScaler

    def want(rows):
        out = {}
        out.update(one_hot("occupation", handle_unknown="infrequent_if_exist", max_categories=4)(rows))
        out.update(counted("education", True)(rows))
        out.update(hashed(["native_country"], 4, True)(rows))
        scaler = StandardScaler().fit([[r["hours_per_week"]] for r in training(rows)])
        out["hours_per_week"] = [float(v) for v in scaler.transform([[r["hours_per_week"]] for r in rows])[:, 0]]
        return out
    compare("steps together", adult, {
        "features": ["occupation", "education", "native_country", "hours_per_week"],
        "pipeline": [{"step": "standardise", "columns": ["hours_per_week"]},
                     {"step": "one_hot", "columns": ["occupation"], "drop": False, "max_levels": 3},
                     {"step": "count_encode", "columns": ["education"], "share": True},
                     {"step": "hash_encode", "buckets": 4}]}, want, "age")


def main():
    start()
    adult = dataset("adult")
    if adult is None:
        skip("encoders of categories and texts", "there is no data set adult")
    else:
        frame = {c: [v if v != "?" else None for v in values[:ROWS]] for c, values in adult.items() if c != "part"}
        frame["is_test"] = [i % 4 == 0 for i in frame["id"]]
        for i in range(0, ROWS):
            if frame["is_test"][i] and i % 7 == 0:
                frame["occupation"][i] = ("never seen", "", "(other)", "Sales ", "\u00e9crivain \U0001f600")[i % 5]
        # as empty fields of a csv file are NULL, the empty text is put in behind
        source = store("adult", {c: [v or None if isinstance(v, str) else v for v in values] for c, values in frame.items()})
        empty = [i for i, v in zip(frame["id"], frame["occupation"]) if v == ""]
        psql("UPDATE %s SET occupation = '' WHERE id IN (%s)" % (source, ", ".join(map(str, empty))))
        note("%d rows, %d of them trained on" % (ROWS, frame["is_test"].count(False)))
        categories(source)
        texts(source)
        together(source)
    times()
    measured.tell()
    finish()


if __name__ == "__main__":
    main()
