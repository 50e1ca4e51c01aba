#!/usr/bin/env python3
"""check_peers - the suite of check_suite.py in pandas, and a JSON object with what that took.

    check_peers.py memory objects|categories BANK.csv REPEAT     the data already in memory
    check_peers.py way objects|categories BANK.csv               from the exported file

Each check is one vectorised call. Columns of text are Python's strings, or pandas' categories.
"""
import json
import sys

import pandas

from check_suite import COLUMNS, KEYS, NAMES, SUITE
from peers import Clock, forget_peak, peak_mb, resident_mb


def within(values, low, high):
    return values.ge(low) & values.le(high)


def number_within(number, params):
    return params.get("min", float("-inf")) <= number <= params.get("max", float("inf"))


# What fails: the number of rows, or of the source as a whole 0 or 1.
KINDS = {
    "not_null": lambda frame, column, _: int(frame[column].isna().sum()),
    "range": lambda frame, column, params: int(
        (~within(frame[column], *(pandas.Timestamp(b) if isinstance(b, str) else b
                                  for b in (params["min"], params["max"]))) & frame[column].notna()).sum()),
    "in_set": lambda frame, column, params: int((~frame[column].isin(params["values"]) & frame[column].notna()).sum()),
    "mean": lambda frame, column, params: 1 - number_within(frame[column].mean(), params),
    "stddev": lambda frame, column, params: 1 - number_within(frame[column].std(), params),
    "max": lambda frame, column, params: 1 - number_within(frame[column].max(), params),
    "median": lambda frame, column, params: 1 - number_within(frame[column].median(), params),
    "distinct_count": lambda frame, column, params: 1 - number_within(frame[column].nunique(), params),
    "length": lambda frame, column, params: int((~within(frame[column].str.len(), params["min"], params["max"])).sum()),
    "row_count": lambda frame, column, params: 1 - number_within(len(frame), params),
    "primary_key": lambda frame, column, params: int((frame[column].duplicated(keep=False) | frame[column].isna()).sum()),
    "duplicate_rows": lambda frame, column, params: int(frame.duplicated().sum()),
}


def check(frame, suite):
    """The number of checks that fail."""
    return sum(KINDS[kind](frame, column, params) > 0 for kind, column, params in suite)


def read(path, text):
    kinds = {name: "category" for name, kind, _ in COLUMNS if kind == "text"} if text == "categories" else None
    return pandas.read_csv(path, header=None, names=NAMES, dtype=kinds, parse_dates=["contacted"], keep_default_na=False,
                           na_values={name: [""] for name in NAMES})


def in_memory(text, path, repeat):
    frame = read(path, text)
    found = {"suite": [], "keys": [], "data_mb": frame.memory_usage(deep=True).sum() / 1e6}
    for _ in range(repeat):
        for stage, suite in (("suite", SUITE), ("keys", SUITE + KEYS)):
            clock = Clock()
            forget_peak()
            base = resident_mb()
            failed = clock.time(stage, lambda suite=suite: check(frame, suite))
            assert failed == 0, failed
            found[stage].append(clock.stages[stage] + [peak_mb() - base])
    return found


def whole_way(text, path):
    clock = Clock()
    forget_peak()
    base = resident_mb()
    frame = clock.time("read", lambda: read(path, text))
    failed = clock.time("check", lambda: check(frame, SUITE))
    assert failed == 0, failed
    return {"stages": clock.stages, "memory": peak_mb() - base}


def main(arguments):
    if arguments[:1] == ["memory"]:
        return in_memory(arguments[1], arguments[2], int(arguments[3]))
    if arguments[:1] == ["way"]:
        return whole_way(*arguments[1:3])
    sys.exit(__doc__)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
