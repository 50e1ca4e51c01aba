#!/usr/bin/python3
"""Compares the detectors of change with River, on synthetic streams and on electricity (ELEC2).

The places are River's: those of its own tests where it tests the stream, else what its version 0.26 gave; 0 is the first
number, as there. Needs what _reference.py says.
"""
import random

import numpy as np

from _reference import dataset, finish, note, psql, report, rows_of, start


def store_stream(name, values):
    psql("CREATE TABLE reference.%s (t integer, x float8);\nCOPY reference.%s FROM STDIN WITH (FORMAT csv);" % (name, name),
         rows=[[t, repr(float(x))] for t, x in enumerate(values)])


def places(detector, stream, params=None):
    call = "x" if params is None else "x, '%s'" % params
    return [p - 1 for p in rows_of("SELECT (ml.%s(%s ORDER BY t)).drifts FROM reference.%s" % (detector, call, stream))[0]["drifts"]]


def compare(detector, stream, want, params=None):
    got = places(detector, stream, params)
    report("%s on %s%s" % (detector, stream, " with " + params if params else ""), got == want, "got %s\nwanted %s" % (got, want))


def warnings_of(detector, stream, want):
    """The first warning, and the first after each change, as River's documentation prints them."""
    row = rows_of("SELECT (ml.%s(x ORDER BY t)).* FROM reference.%s" % (detector, stream))[0]
    got = []
    for since in [0] + row["drifts"]:
        got += [w - 1 for w in row["warnings"] if w > since and not any(since < d <= w for d in row["drifts"])][:1]
    report("warnings of %s on %s" % (detector, stream), got == want, "got %s\nwanted %s" % (got, want))


def counted(detector, stream, count, total, params=None):
    got = [p + 1 for p in places(detector, stream, params)]
    report("%s on %s%s: how many places, and their sum" % (detector, stream, " with " + params if params else ""),
           (len(got), sum(got)) == (count, total), "got %d, %d" % (len(got), sum(got)))


start()

# --- the streams of River's tests ---------------------------------------

np.random.seed(12345)
store_stream("level", np.concatenate((np.random.randint(2, size=1000), np.random.randint(8, size=1000))))
np.random.seed(12345)
store_stream("share", [np.random.binomial(1, 0.2) for _ in range(1000)] + [np.random.binomial(1, 0.8) for _ in range(1000)])
np.random.seed(12345)
store_stream("abrupt", np.concatenate([np.random.normal(m, 0.1, 500) > 0 for m in (0.0, 0.25, 0.0, 0.25)]).astype(int))
rng = random.Random(42)
store_stream("back", sum((rng.choices(c, k=1000) for c in ([0, 1], range(4, 8), [0, 1], range(4, 8))), []))
rng = random.Random(42)
store_stream("weights", rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7]))
rng = random.Random(12345)
store_stream("jump", rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000))

compare("adwin", "level", [1023])
compare("adwin", "back", [1023, 2015, 3007])
compare("adwin", "jump", [1023])
compare("ddm", "share", [1049])
compare("eddm", "share", [1059], '{"alpha": 0.9, "beta": 0.8}')
compare("eddm", "weights", [1278], '{"alpha": 0.8, "beta": 0.75}')
compare("hddm_w", "share", [1018])
compare("hddm_w", "abrupt", [507, 1032, 1508], '{"two_sided_test": true}')
compare("hddm_w", "weights", [1077])
compare("ddm", "weights", [1334])
compare("kswin", "level", [1042], '{"alpha": 0.0001, "window_size": 200, "stat_size": 100, "seed": 42}')
compare("kswin", "jump", [1016], '{"alpha": 0.0001, "seed": 42}')
compare("page_hinkley", "abrupt", [588, 1681], '{"mode": "up"}')
compare("page_hinkley", "abrupt", [1172], '{"mode": "down"}')
compare("page_hinkley", "abrupt", [588, 1097, 1585])
compare("page_hinkley", "jump", [1006])
warnings_of("ddm", "weights", [1084, 1492])

# --- electricity --------------------------------------------------------

electricity = dataset("electricity")
classes = electricity["class"]
# the errors of saying what was half an hour before
store_stream("persistence", [int(i > 0 and c != classes[i - 1]) for i, c in enumerate(classes)])
store_stream("demand", electricity["nswdemand"])
compare("adwin", "persistence", [p - 1 for p in (2848, 6176, 13472, 15776, 27072, 31008, 36160)])
compare("hddm_w", "persistence", [p - 1 for p in (2372, 3099, 4190, 6081, 9547, 12335, 14062, 15693, 23531, 35904, 36835, 40202,
                                                  40728, 43108)])
compare("page_hinkley", "persistence", [p - 1 for p in (2692, 8223, 13418, 15700, 19206, 24127, 27365, 31368, 36140, 41344)])
compare("ddm", "persistence", [2463])
compare("kswin", "persistence", [p - 1 for p in (3149, 10939, 14070, 15701)])
counted("eddm", "persistence", 66, 544156)
counted("adwin", "demand", 53, 1184512)
counted("kswin", "demand", 46, 1070323, '{"seed": 3, "alpha": 1e-9, "window_size": 400, "stat_size": 50}')
note("%d rows of electricity" % len(classes))

finish()
