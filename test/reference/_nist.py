"""The linear sets of the NIST Statistical Reference Datasets (public domain) in decimals, and their exact solution.

https://www.itl.nist.gov/div898/strd/lls/lls.shtml. Norris, Pontius, Longley and Filip are observed data; NoInt1 and
NoInt2 are counted up; the Wampler sets are defined by polynomials plus a residual that is orthogonal to them. The
certified values are not copied but computed: the least squares solution of the decimal data in rational arithmetic,
whose rounding to 15 digits NIST certifies. CERTIFIED holds printed values against which that is checked.
"""
from decimal import Decimal, localcontext
from fractions import Fraction

NORRIS_Y = """
0.1 338.8 118.1 888.0 9.2 228.1 668.5 998.5 449.1 778.9 559.2 0.3 0.1 778.1 668.8 339.3 448.9 10.8 557.7 228.3 998.0
888.8 119.6 0.3 0.6 557.6 339.3 888.0 998.5 778.9 10.2 117.6 228.9 668.4 449.2 0.2"""
NORRIS_X = """
0.2 337.4 118.2 884.6 10.1 226.5 666.3 996.3 448.6 777.0 558.2 0.4 0.6 775.5 666.9 338.0 447.5 11.6 556.0 228.1 995.8
887.6 120.2 0.3 0.3 556.8 339.1 887.2 999.0 779.0 11.1 118.3 229.2 669.1 448.9 0.5"""

PONTIUS_Y = """
.11019 .21956 .32949 .43899 .54803 .65694 .76562 .87487 .98292 1.09146 1.20001 1.30822 1.41599 1.52399 1.63194 1.73947
1.84646 1.95392 2.06128 2.16844 .11052 .22018 .32939 .43886 .54798 .65739 .76596 .87474 .98300 1.09150 1.20004 1.30818
1.41613 1.52408 1.63159 1.73965 1.84696 1.95445 2.06177 2.16829"""

LONGLEY = """
60323 83.0 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953
63761 100.0 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962"""

FILIP_Y = """
0.8116 0.9072 0.9052 0.9039 0.8053 0.8377 0.8667 0.8809 0.7975 0.8162 0.8515 0.8766 0.8885 0.8859 0.8959 0.8913 0.8959
0.8971 0.9021 0.9090 0.9139 0.9199 0.8692 0.8872 0.8900 0.8910 0.8977 0.9035 0.9078 0.7675 0.7705 0.7713 0.7736 0.7775
0.7841 0.7971 0.8329 0.8641 0.8804 0.7668 0.7633 0.7678 0.7697 0.7700 0.7749 0.7796 0.7897 0.8131 0.8498 0.8741 0.8061
0.8460 0.8751 0.8856 0.8919 0.8934 0.8940 0.8957 0.9047 0.9129 0.9209 0.9219 0.7739 0.7681 0.7665 0.7703 0.7702 0.7761
0.7809 0.7961 0.8253 0.8602 0.8809 0.8301 0.8664 0.8834 0.8898 0.8964 0.8963 0.9074 0.9119 0.9228"""
FILIP_X = """
-6.860120914 -4.324130045 -4.358625055 -4.358426747 -6.955852379 -6.661145254 -6.355462942 -6.118102026 -7.115148017
-6.815308569 -6.519993057 -6.204119983 -5.853871964 -6.109523091 -5.79832982 -5.482672118 -5.171791386 -4.851705903
-4.517126416 -4.143573228 -3.709075441 -3.499489089 -6.300769497 -5.953504836 -5.642065153 -5.031376979 -4.680685696
-4.329846955 -3.928486195 -8.56735134 -8.363211311 -8.107682739 -7.823908741 -7.522878745 -7.218819279 -6.920818754
-6.628932138 -6.323946875 -5.991399828 -8.781464495 -8.663140179 -8.473531488 -8.247337057 -7.971428747 -7.676129393
-7.352812702 -7.072065318 -6.774174009 -6.478861916 -6.159517513 -6.835647144 -6.53165267 -6.224098421 -5.910094889
-5.598599459 -5.290645224 -4.974284616 -4.64454848 -4.290560426 -3.885055584 -3.408378962 -3.13200249 -8.726767166
-8.66695597 -8.511026475 -8.165388579 -7.886056648 -7.588043762 -7.283412422 -6.995678626 -6.691862621 -6.392544977
-6.067374056 -6.684029655 -6.378719832 -6.065855188 -5.752272167 -5.132414673 -4.811352704 -4.098269308 -3.66174277
-3.2644011"""

WAMPLER_RESIDUAL = """
759 -2048 2048 -2048 2523 -2048 2048 -2048 1838 -2048 2048 -2048 1838 -2048 2048 -2048 2523 -2048 2048 -2048 759"""

# Estimates and their errors as NIST prints them, in the order of the terms.
CERTIFIED = {
    "Norris": (["-2.62323073774029E-1", "1.00211681802045E+0"],
               ["2.32818234301152E-1", "4.29796848199937E-4"]),
    "NoInt1": (["2.07438016528926E+0"],
               ["1.65289256198347E-2"]),
    "Longley": (["-3.48225863459582E+6", "1.50618722713733E+1", "-3.58191792925910E-2", "-2.02022980381683E+0",
                 "-1.03322686717359E+0", "-5.11041056535807E-2", "1.82915146461355E+3"],
                ["8.90420383607373E+5", "8.49149257747669E+1", "3.34910077722432E-2", "4.88399681651699E-1",
                 "2.14274163161675E-1", "2.26073200069370E-1", "4.55478499142212E+2"]),
    "Filip": (["-1.46748961422980E+3", "-2.77217959193342E+3", "-2.31637108160893E+3", "-1.12797394098372E+3",
               "-3.54478233703349E+2", "-7.51242017393757E+1", "-1.08753180355343E+1", "-1.06221498588947E+0",
               "-6.70191154593408E-2", "-2.46781078275479E-3", "-4.02962525080404E-5"],
              ["2.98084530995537E+2", "5.59779865474950E+2", "4.66477572127796E+2", "2.27204274477751E+2",
               "7.16478660875927E+1", "1.52897178747400E+1", "2.23691159816033E+0", "2.21624321934227E-1",
               "1.42363763154724E-2", "5.35617408889821E-4", "8.96632837373868E-6"]),
    "Wampler1": (["1"] * 6, ["0"] * 6),
    "Wampler2": (["1", "0.1", "0.01", "0.001", "0.0001", "0.00001"], ["0"] * 6),
    "Pontius": (["0.673565789473684E-03", "0.732059160401003E-06", "-0.316081871345029E-14"],
                ["0.107938612033077E-03", "0.157817399981659E-09", "0.486652849992036E-16"]),
    "NoInt2": (["0.727272727272727"], ["0.420827318078432E-01"]),
    "Wampler3": (["1"] * 6, ["2152.32624678170", "2363.55173469681", "779.343524331583", "101.475507550350",
                             "5.64566512170752", "0.112324854679312"]),
    "Wampler4": (["1"] * 6, ["215232.624678170", "236355.173469681", "77934.3524331583", "10147.5507550350",
                             "564.566512170752", "11.2324854679312"]),
    "Wampler5": (["1"] * 6, ["21523262.4678170", "23635517.3469681", "7793435.24331583", "1014755.07550350",
                             "56456.6512170752", "1123.24854679312"]),
}


class StrdSet:
    """
    A set: name, decimal texts of y and of the features by term; degree is that of the polynomial in x, which stands for
    the columns x .. x^degree.
    """

    def __init__(self, name, y, features, degree=1, intercept=True):
        self.name, self.y, self.features, self.degree, self.intercept = name, y, features, degree, intercept

    def columns(self, number):
        """(terms, columns, y) with every text read by number and powers made by repeated products in its arithmetic."""
        columns = {"intercept": [number("1")] * len(self.y)} if self.intercept else {}
        for term, texts in self.features.items():
            values = [number(t) for t in texts]
            power = values
            columns[term] = values
            for k in range(2, self.degree + 1):
                power = [p * v for p, v in zip(power, values)]
                columns["%s^%d" % (term, k)] = power
        return list(columns), list(columns.values()), [number(t) for t in self.y]


def strd_sets():
    loads = [str(150000 * i) for i in range(1, 21)] * 2
    x = list(range(21))
    quintic = [sum(v ** k for k in range(6)) for v in x]
    # 1 + x/10 + x^2/100 + ... + x^5/100000, exactly
    small = [str(Decimal(sum(v ** k * 10 ** (5 - k) for k in range(6))) / 100000) for v in x]
    residual = [int(t) for t in WAMPLER_RESIDUAL.split()]
    longley = list(zip(*(line.split() for line in LONGLEY.strip().splitlines())))
    wampler = {"x": [str(v) for v in x]}
    sets = [
        StrdSet("Norris", NORRIS_Y.split(), {"x": NORRIS_X.split()}),
        StrdSet("Pontius", PONTIUS_Y.split(), {"x": loads}, degree=2),
        StrdSet("NoInt1", [str(v) for v in range(130, 141)], {"x": [str(v) for v in range(60, 71)]}, intercept=False),
        StrdSet("NoInt2", ["3", "4", "4"], {"x": ["4", "5", "6"]}, intercept=False),
        StrdSet("Longley", list(longley[0]), {"x%d" % j: list(longley[j]) for j in range(1, 7)}),
        StrdSet("Filip", FILIP_Y.split(), {"x": FILIP_X.split()}, degree=10),
        StrdSet("Wampler1", [str(v) for v in quintic], wampler, degree=5),
        StrdSet("Wampler2", small, wampler, degree=5),
    ]
    for number, scale in ((3, 1), (4, 100), (5, 10000)):
        sets.append(StrdSet("Wampler%d" % number, [str(v + scale * d) for v, d in zip(quintic, residual)], wampler,
                            degree=5))
    return sets


def root(value):
    """The square root of a fraction to 60 digits."""
    with localcontext() as context:
        context.prec = 60
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def solve(columns, y, intercept):
    """
    Least squares in rational arithmetic: (estimates, standard errors, figures). The errors and residual_sd are roots to
    60 digits, the rest is exact.
    """
    columns = [[Fraction(v) for v in c] for c in columns]
    y = [Fraction(v) for v in y]
    n = len(columns)

    def product(a, b):
        return sum(u * v for u, v in zip(a, b))

    # [X'X | X'y | identity] by Gauss and Jordan; X'X is positive definite, so no pivoting is needed
    m = [[product(a, b) for b in columns] + [product(a, y)] + [Fraction(i == j) for j in range(n)]
         for i, a in enumerate(columns)]
    for i in range(n):
        m[i] = [v / m[i][i] for v in m[i]]
        for k in range(n):
            if k != i and m[k][i] != 0:
                m[k] = [u - m[k][i] * v for u, v in zip(m[k], m[i])]
    estimates = [row[n] for row in m]
    residuals = [v - product(row, estimates) for v, row in zip(y, zip(*columns))]
    rss = product(residuals, residuals)
    mean = sum(y) / len(y) if intercept else 0
    df = len(y) - n
    errors = [root(m[j][n + 1 + j] * rss / df) for j in range(n)]
    return estimates, errors, {"r2": 1 - rss / sum((v - mean) ** 2 for v in y), "residual_sd": root(rss / df)}
