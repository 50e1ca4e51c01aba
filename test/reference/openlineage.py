#!/usr/bin/python3
"""Validates events of ml.openlineage against the published JSON schema of OpenLineage.

ML_OPENLINEAGE_SCHEMA names the file OpenLineage.json of the specification, with the facets' schemas in the folder
facets beside it. Without it, or without the package jsonschema, the tests are skipped: the schema is not ours to copy.
"""
import datetime
import glob
import json
import os

from _reference import finish, psql, report, skip, start

SCHEMA = os.environ.get("ML_OPENLINEAGE_SCHEMA")
EVENTS = ("a relation", "a query through a view", "classes", "no snapshot", "a failed trial", "a run under way",
          "a cancelled run", "no relation", "names that need quotes")


def events():
    """Runs of every status and kind of source; returns their events by what they are of."""
    start()
    psql("""
        CREATE TABLE customers AS SELECT i AS id, 20 + i % 50 AS age,
            CASE WHEN i % 9 > 0 THEN (i * 37 % 1000)::numeric(10, 2) END AS income, 'c' || i % 4 AS city,
            ARRAY[i % 5, i % 6]::float8[] AS vec, i % 3 > 0 AS churned, 2.0 * i AS y FROM generate_series(1, 300) i;
        CREATE VIEW grown AS SELECT age, income, city, y FROM customers WHERE id > 5;
        CREATE TABLE "Odd ""name" AS SELECT id AS "a b", age AS "c""d", y FROM customers;
        SELECT version FROM ml.train('m', 'customers', 'y', 'linear_regression');
        SELECT version FROM ml.train('m', 'WITH w AS (SELECT * FROM grown) SELECT age, y FROM w', 'y', 'linear_regression');
        SELECT version FROM ml.train('c', 'customers', 'churned', 'gradient_boosting', params => '{"n_trees": 2}');
        SELECT version FROM ml.train('m', 'customers', 'y', 'linear_regression', snapshot => 'none');
        INSERT INTO ml.runs (kind, model, status, parent_run_id, finished_at, error)
            VALUES ('trial', 'm', 'failed', 1, 'infinity', 'no');
        INSERT INTO ml.runs (kind, model, status) VALUES ('evaluate', 'm', 'running');
        INSERT INTO ml.runs (kind, model, status, finished_at) VALUES ('retrain', 'm', 'cancelled', 'infinity');
        SELECT version FROM ml.train('m', 'SELECT i AS x, 2.0 * i AS y FROM generate_series(1, 50) i', 'y', 'linear_regression');
        SELECT version FROM ml.train('Odd "one"', '"Odd ""name"', 'y', 'linear_regression');
    """)
    rows = psql("SELECT ml.openlineage(run_id) FROM ml.runs ORDER BY run_id")
    return dict(zip(EVENTS, map(json.loads, rows)))


def facets(event):
    """Every facet of an event as (name, facet)."""
    for part in [event["run"], event["job"]] + event["inputs"] + event["outputs"]:
        for key in ("facets", "inputFacets", "outputFacets"):
            yield from part.get(key, {}).items()


def main():
    got = events()
    report("every run has an event", list(got) == list(EVENTS), list(got))
    report("every facet says who made it and by which schema",
           all({"_producer", "_schemaURL"} <= set(f) for e in got.values() for _, f in facets(e)))
    names = ["the event of %s is valid" % name for name in EVENTS] + ["every facet is valid by its own schema"]
    try:
        import jsonschema
    except ImportError:
        jsonschema = None
    if not SCHEMA or jsonschema is None:
        for name in names:
            skip(name, "ML_OPENLINEAGE_SCHEMA is not set" if not SCHEMA else "there is no jsonschema")
        return
    with open(SCHEMA) as f:
        schema = json.load(f)
    store = {schema["$id"]: schema}
    for path in glob.glob(os.path.join(os.path.dirname(SCHEMA), "facets", "*.json")):
        with open(path) as f:
            facet = json.load(f)
        store[facet["$id"]] = facet

    checker = jsonschema.FormatChecker()

    @checker.checks("date-time", raises=ValueError)
    def is_moment(text):
        return bool(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ"))

    def errors(root, instance):
        resolver = jsonschema.RefResolver(root["$id"], root, store=store)
        validator = jsonschema.Draft202012Validator(root, resolver=resolver, format_checker=checker)
        return ["%s: %s" % ("/".join(map(str, e.path)), e.message) for e in validator.iter_errors(instance)]

    for name, event in got.items():
        found = errors(schema, event)
        report("the event of %s is valid" % name, not found, "\n".join(found))
    found = []
    for what, event in got.items():
        for name, facet in facets(event):
            address = facet["_schemaURL"].split("#")[0]
            if address not in store:
                found.append("%s: %s is not published" % (name, address))
            else:
                found += ["%s of %s: %s" % (name, what, e) for e in errors(store[address], {name: facet})]
    report("every facet is valid by its own schema", not found, "\n".join(found))


main()
finish()
