"""The benchmark's table for checks, like the bank marketing data of the UCI repository, and the suite of 60 checks of it."""

JOBS = ("admin.", "blue-collar", "technician", "services", "management", "retired", "entrepreneur", "self-employed",
        "housemaid", "unemployed", "student", "unknown")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EDUCATION = ("secondary", "tertiary", "primary", "unknown")
MARITAL = ("married", "single", "divorced")
CONTACT = ("cellular", "telephone", "unknown")
OUTCOME = ("unknown", "failure", "other", "success")
NO_YES = ("no", "yes")


def one_of(values, share):
    """SQL for one of the values; share is an expression from 0 to 1."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"(ARRAY[{listed}])[1 + floor({len(values)} * {share})]"


# Name, type, the SQL that draws a value.
COLUMNS = (
    ("id", "bigint", "i"),
    ("age", "integer", "18 + floor(70 * random() ^ 1.5)"),
    ("job", "text", one_of(JOBS, "random() * random()")),
    ("marital", "text", one_of(MARITAL, "random()")),
    ("education", "text", one_of(EDUCATION, "random()")),
    ("in_default", "text", one_of(NO_YES, "0.51 * random()")),
    ("balance", "integer", "random() * random() * 20000 - 1000"),
    ("housing", "text", one_of(NO_YES, "random()")),
    ("loan", "text", one_of(NO_YES, "0.65 * random()")),
    ("contact", "text", one_of(CONTACT, "random()")),
    ("day", "integer", "1 + floor(31 * random())"),
    ("month", "text", one_of(MONTHS, "random()")),
    ("duration", "integer", "-ln(1 - random()) * 250"),
    ("campaign", "integer", "1 + floor(-2 * ln(1 - random()))"),
    ("pdays", "integer", "CASE WHEN random() < 0.8 THEN -1 ELSE random() * 400 END"),
    ("previous", "integer", "floor(-0.6 * ln(1 - random()))"),
    ("poutcome", "text", one_of(OUTCOME, "random() * random()")),
    ("cons_price_idx", "float8", "93.2 + 1.5 * random()"),
    ("contacted", "date", "date '2008-05-01' + (900 * random())::integer"),
    ("y", "text", one_of(NO_YES, "0.56 * random()")))
NAMES = [name for name, _, _ in COLUMNS]
NUMBERS = [name for name, kind, _ in COLUMNS if kind in ("bigint", "integer", "float8")]

RANGES = (("age", 17, 100), ("balance", -2000, 20000), ("day", 1, 31), ("duration", 0, 6000), ("campaign", 1, 60),
          ("pdays", -1, 900), ("previous", 0, 60), ("cons_price_idx", 90, 100), ("contacted", "2008-01-01", "2012-01-01"))
SETS = (("job", JOBS), ("marital", MARITAL), ("education", EDUCATION), ("in_default", NO_YES), ("housing", NO_YES),
        ("loan", NO_YES), ("y", NO_YES), ("contact", CONTACT), ("month", MONTHS), ("poutcome", OUTCOME))
MEANS = ("age", "balance", "duration", "campaign", "cons_price_idx")

# Kind, column, parameters: 60 of them.
SUITE = (
    [("not_null", name, {}) for name in NAMES]
    + [("range", name, {"min": low, "max": high}) for name, low, high in RANGES]
    + [("in_set", name, {"values": list(values)}) for name, values in SETS]
    + [("mean", name, {"min": -100000, "max": 100000}) for name in MEANS]
    + [("stddev", name, {"min": 0, "max": 100000}) for name in MEANS]
    + [("max", name, {"max": 100000}) for name in ("age", "balance", "duration", "campaign")]
    + [("median", name, {"max": 100000}) for name in ("age", "balance", "duration")]
    + [("distinct_count", "job", {"min": 2, "max": 20}), ("distinct_count", "month", {"min": 12, "max": 12}),
       ("length", "job", {"min": 1, "max": 20}), ("row_count", None, {"min": 1})])
KEYS = [("primary_key", "id", {}), ("duplicate_rows", None, {})]

# Ten checks of rows, and the same written by hand.
TEN = ([("not_null", name, {}) for name in ("id", "age", "job")]
       + [("range", name, {"min": low, "max": high}) for name, low, high in RANGES[:4]]
       + [("in_set", name, {"values": list(values)}) for name, values in SETS[1:4]])
TEN_BY_HAND = " AND ".join(
    [f"{name} IS NOT NULL" for name in ("id", "age", "job")]
    + [f"{name} BETWEEN {low} AND {high}" for name, low, high in RANGES[:4]]
    + ["{} IN ({})".format(name, ", ".join(f"'{value}'" for value in values)) for name, values in SETS[1:4]])
BAD_AGE = 150

# The values of a good row after its id.
ROW = (f"41, '{JOBS[0]}', '{MARITAL[0]}', '{EDUCATION[0]}', 'no', 1200, 'yes', 'no', '{CONTACT[0]}', 5, 'may', 261, 1, -1, "
       f"0, '{OUTCOME[0]}', 93.9, '2009-05-05', 'no'")
