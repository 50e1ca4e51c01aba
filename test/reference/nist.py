#!/usr/bin/python3
"""Measures linear regression on the NIST StRD linear sets in correct digits.

Two references, both solved in rational arithmetic (_nist.py): the certified values, which belong to the decimal data,
and the least squares solution of the very float8 columns the server is given. The second is what the extension claims
to return, correctly rounded or nearly so; the first also has in it what rounding the columns to float8 costs.
"""
import math
from decimal import Decimal, localcontext
from fractions import Fraction

from _nist import CERTIFIED, solve, strd_sets
from _reference import coefficients, finish, note, report, start, store, summary, train

# Digits of the worst estimate and the worst standard error against the certified values. On Filip no solver of float8
# columns can do better than 7.9 and 8.65: the exact solution of the rounded columns itself has no more, because
# rounding x^k moves the solution that far. A fit without residual has standard errors of exactly 0.
CERTIFIED_DIGITS = {"Filip": (7.5, 8.6)}
CERTIFIED_DEFAULT = (13.0, 10.0)

# Against the exact solution of the float8 columns.
EXACT_DIGITS = 13.0


def digits(got, want):
    """Correct decimal digits, at most 16 of them."""
    if got is None:
        return 0.0
    if want == 0:
        return 16.0 if got == 0 else 0.0
    error = abs(Fraction(got) - want) / abs(want)
    return 16.0 if error == 0 else min(16.0, -math.log10(error))


def printed(value, count):
    """A fraction rounded to a count of significant digits, as a Decimal."""
    with localcontext() as context:
        context.prec = count
        return Decimal(value.numerator) / Decimal(value.denominator)


def same_printed(value, text):
    """Whether a printed number is the value, rounded to the digits printed (15 at most)."""
    count = min(15, max(1, len(Decimal(text).as_tuple().digits)))
    return Decimal(text) == printed(value, count) or Fraction(text) == value


def check_printed(name, estimates, errors):
    """The data are NIST's: their exact solution is what NIST prints."""
    texts = CERTIFIED[name]
    report("%s: the exact solution rounds to the certified values" % name,
           all(map(same_printed, estimates, texts[0])) and all(map(same_printed, errors, texts[1])),
           [str(printed(v, 15)) for v in estimates + errors])


def worst(terms, ours, part, wanted):
    """The fewest correct digits among the terms, or among those whose wanted value is not 0."""
    found = [digits(ours[t][part], v) for t, v in zip(terms, wanted) if v != 0]
    return min(found, default=16.0)


def measure(s):
    terms, columns, y = s.columns(Fraction)
    certified, certified_errors, certified_figures = solve(columns, y, s.intercept)
    check_printed(s.name, certified, certified_errors)

    terms, columns, y = s.columns(float)
    exact, exact_errors, exact_figures = solve(columns, y, s.intercept)
    frame = {t: c for t, c in zip(terms, columns) if t != "intercept"}
    source = store(s.name.lower(), dict(frame, y=y), dict.fromkeys(list(frame) + ["y"], "double precision"))
    row = train(s.name, source, "y", algorithm="linear_regression", task="regression",
                params={"intercept": s.intercept})
    ours, figures = coefficients(row["ref"]), summary(row["ref"])
    report("%s: terms" % s.name, list(ours) == terms, list(ours))
    ours = {t: ours.get(t, dict.fromkeys(("estimate", "std_error"))) for t in terms}

    fits = all(v == 0 for v in certified_errors)
    need, need_errors = CERTIFIED_DIGITS.get(s.name, CERTIFIED_DEFAULT)
    got, got_errors = worst(terms, ours, "estimate", certified), worst(terms, ours, "std_error", certified_errors)
    limit, limit_errors = (min(digits(float(a), b) for a, b in zip(*pair))
                           for pair in ((exact, certified), (exact_errors, certified_errors)))
    report("%s: %.1f certified digits of every estimate" % (s.name, need), got >= need, got)
    if fits:
        report("%s: an exact fit has standard errors of 0" % s.name,
               all(ours[t]["std_error"] == 0 for t in terms) and figures["residual_sd"] == 0 and figures["r2"] == 1,
               [ours[t]["std_error"] for t in terms] + [figures["residual_sd"], figures["r2"]])
    else:
        report("%s: %.1f certified digits of every standard error" % (s.name, need_errors), got_errors >= need_errors,
               got_errors)
    got_exact = worst(terms, ours, "estimate", exact)
    report("%s: %.1f digits of the exact solution of the columns" % (s.name, EXACT_DIGITS), got_exact >= EXACT_DIGITS,
           got_exact)
    got_exact_errors = 16.0
    if not fits:
        got_exact_errors = worst(terms, ours, "std_error", exact_errors)
        report("%s: %.1f digits of the exact standard errors of the columns" % (s.name, EXACT_DIGITS),
               got_exact_errors >= EXACT_DIGITS, got_exact_errors)
        found = {f: digits(figures[f], v) for f, v in exact_figures.items()}
        report("%s: %.1f digits of the figures" % (s.name, EXACT_DIGITS), min(found.values()) >= EXACT_DIGITS, found)
    pairs = ((got, got_errors), (limit, limit_errors), (got_exact, got_exact_errors))
    note("%-9s certified %s (exact solution of the float8 columns: %s), of the columns %s"
         % (s.name, *("%.2f%s" % (a, "" if fits else " / %.2f" % b) for a, b in pairs)))


def main():
    start()
    for s in strd_sets():
        measure(s)
    finish()


if __name__ == "__main__":
    main()
