#!/usr/bin/env python3
"""lint - proves the layering and the house style of ARCHITECTURE.md, one TAP line for each rule.

    test/lint/lint.py [--root DIR] [--pg-config PROG]   check the tree; the library's symbols only where it is built
    test/lint/lint.py --self-test                       see every rule fail on a planted fault and pass without it
    test/lint/lint.py --typedefs                        print what typedefs.list should hold

A rule is a function that takes a Tree and returns the lines that offend it.
Beside each rule stand a fault it has to find and the same thing done right,
which --self-test plants in a temporary tree.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Checks judge distributions by the statistics of drift, so drift lies one tier to their left.
FAMILIES = ('learn', 'transform', 'metric', 'drift', 'check', 'exchange')
TIERS = (('math',), ('base',), ('drift',), tuple(room for room in FAMILIES if room != 'drift'), ('store',),
         ('flow', 'monitor'), ('worker', 'report'), ('api',))
TIER = {room: n for n, rooms in enumerate(TIERS) for room in rooms}
STANDARD_HEADERS = {'assert.h', 'errno.h', 'fenv.h', 'float.h', 'inttypes.h', 'limits.h', 'math.h', 'stdarg.h',
                    'stdbool.h', 'stddef.h', 'stdint.h', 'stdlib.h', 'string.h', 'tgmath.h'}
COMPILER_HEADERS = {'immintrin.h', 'arm_neon.h'}
SPI_FILES = re.compile(r'src/(store/.*|flow/(source|lookup|statement)\.c)$')
LINES_MAX = 700

RULES = []


class Rule:
    def __init__(self, name, check, bad, good):
        self.name, self.check, self.bad, self.good = name, check, bad, good


def rule(name, bad, good):
    """Declares a rule: its sentence, a list of planted faults (each a dict of files), and a clean tree."""
    def declare(check):
        RULES.append(Rule(name, check, bad if isinstance(bad, list) else [bad], good))
        return check
    return declare


# --- reading the tree ---------------------------------------------------

SKIPPED_DIRS = {'.git', '__pycache__', 'results', 'output_iso', 'tmp_check', 'build', 'log'}
BUILT = re.compile(r'\.(o|bc|so|pyc)$|^pg_mlops--[^/]*\.sql$|^regression\.(diffs|out)$')

C_TOKEN = re.compile(r'''/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*' ''', re.S | re.X)
SQL_TOKEN = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(\$\w*\$).*?\1|"[^"]*" """, re.S | re.X)


def blank(text):
    """Spaces in place of everything but line ends, so that line numbers stay."""
    return re.sub(r'[^\n]', ' ', text)


def without_comments(text):
    return C_TOKEN.sub(lambda m: blank(m[0]) if m[0].startswith('/') else m[0], text)


def code_only(text):
    """C without comments and without what is inside quotes."""
    def replace(m):
        return blank(m[0]) if m[0].startswith('/') else m[0][0] + blank(m[0][1:-1]) + m[0][0]
    return C_TOKEN.sub(replace, text)


def sql_only(text):
    """SQL without comments, strings and quoted bodies; a body leaves `$$ $$` behind."""
    def replace(m):
        if m[0].startswith('$'):
            return '$$' + blank(m[0][2:-2]) + '$$'
        if m[0].startswith("'"):
            return "'" + blank(m[0][1:-1]) + "'"
        return m[0] if m[0].startswith('"') else blank(m[0])
    return SQL_TOKEN.sub(replace, text)


def balanced(text, start):
    """The end of the parenthesis that opens at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += {'(': 1, ')': -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return len(text)


def line_of(text, position):
    return text.count('\n', 0, position) + 1


class Tree:
    def __init__(self, root, pg_config):
        self.root, self.pg_config, self.notes = root, pg_config, []
        self.files = {}
        for folder, dirs, names in os.walk(root):
            dirs[:] = sorted(d for d in dirs if d not in SKIPPED_DIRS)
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                full = os.path.join(folder, name)
                if BUILT.search(path) or os.path.islink(full) or path == '.git':
                    continue
                with open(full, 'rb') as f:
                    data = f.read()
                if b'\0' not in data:
                    self.files[path] = data.decode('utf-8', 'surrogateescape')

    def match(self, pattern):
        """Paths and texts of the files whose whole path matches."""
        return [(p, t) for p, t in self.files.items() if re.fullmatch(pattern, p)]

    def sources(self):
        return self.match(r'src/.*\.[ch]')

    def config(self, option):
        return subprocess.run([self.pg_config, option], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def includes(self, path, text):
        """Line, form (< or ") and name of each #include."""
        for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', without_comments(text), re.M):
            yield line_of(text, m.start()), m[1], m[2]

    def ours(self, path, name):
        """The path under src that an include names, or None for a header that is not ours."""
        for candidate in ('src/' + name, os.path.normpath(os.path.join(os.path.dirname(path), name))):
            if candidate in self.files:
                return candidate
        return None


def room(path):
    parts = path.split('/')
    return parts[1] if len(parts) > 2 else None


# --- layering -----------------------------------------------------------

@rule('src/math includes nothing but src/math, the standard library and the processor\'s intrinsics',
      [{'src/math/a.c': '#include "postgres.h"\n'}, {'src/math/a.c': '#include <stdio.h>\n'},
       {'src/math/a.h': '#include "base/b.h"\n', 'src/base/b.h': ''}],
      {'src/math/a.c': '#include <math.h>\n#include "math/a.h"\n/* #include "postgres.h" */\n', 'src/math/a.h': ''})
def math_is_alone(tree):
    out = []
    for path, text in tree.match(r'src/math/.*\.[ch]'):
        for line, form, name in tree.includes(path, text):
            ours = tree.ours(path, name)
            if not (form == '<' and name in STANDARD_HEADERS | COMPILER_HEADERS or ours and room(ours) == 'math'):
                out.append(f'{path}:{line}: includes {name}')
    return out


@rule('src/math neither allocates nor prints nor raises',
      [{'src/math/a.c': 'void f(void) { p = malloc(8); }\n'}, {'src/math/a.c': 'void f(void) { ereport(ERROR, 1); }\n'}],
      {'src/math/a.c': '/* malloc( */\nint f(void) { return ml_alloc_count(1); }\n'})
def math_is_pure(tree):
    out = []
    words = re.compile(r'\b(malloc|calloc|realloc|free|alloca|palloc\w*|pfree|f?printf|puts|abort|exit|ereport|elog)\s*\(')
    for path, text in tree.match(r'src/math/.*\.[ch]'):
        for m in words.finditer(code_only(text)):
            out.append(f'{path}:{line_of(text, m.start())}: {m[1]}')
    return out


@rule('rooms include only to their left: math base drift families store flow,monitor worker,report api',
      [{'src/base/a.c': '#include "store/s.h"\n', 'src/store/s.h': ''},
       {'src/learn/a.c': '#include "transform/t.h"\n', 'src/transform/t.h': ''},
       {'src/flow/a.c': '#include "monitor/m.h"\n', 'src/monitor/m.h': '#include "flow/f.h"\n', 'src/flow/f.h': ''},
       {'src/drift/a.c': '#include "check/c.h"\n', 'src/check/c.h': ''},
       {'src/cellar/a.c': ''}],
      {'src/flow/a.c': '#include "monitor/m.h"\n#include "learn/l.h"\n#include "utils/guc.h"\n', 'src/monitor/m.h': '',
       'src/learn/l.h': '#include "math/m.h"\n', 'src/math/m.h': '', 'src/check/c.c': '#include "drift/d.h"\n',
       'src/drift/d.h': '', 'src/pg_mlops.c': '#include "api/x.h"\n',
       'src/api/x.h': ''})
def rooms_look_left(tree):
    out, beside = [], {}
    for path, text in tree.sources():
        home = room(path)
        if home is None:
            continue
        if home not in TIER:
            out.append(f'{path}: {home} is no room of the house')
            continue
        for line, _, name in tree.includes(path, text):
            ours = tree.ours(path, name)
            other = ours and room(ours)
            if not other or other == home:
                continue
            if TIER.get(other, len(TIERS)) > TIER[home] or TIER[other] == TIER[home] and home in FAMILIES:
                out.append(f'{path}:{line}: {home} includes {name}')
            elif TIER[other] == TIER[home]:
                beside.setdefault((home, other), f'{path}:{line}: {home} includes {name}')
    for (home, other), where in beside.items():
        if (other, home) in beside:
            out.append(f'{where}, and {other} includes {home}')
    return out


@rule('only src/base/compat.h tests the server version',
      {'src/store/a.c': '#if PG_VERSION_NUM >= 160000\n#endif\n'},
      {'src/base/compat.h': '#if PG_VERSION_NUM >= 160000\n#endif\n', 'src/store/a.c': '/* PG_VERSION_NUM */\n'})
def version_in_compat(tree):
    return [f'{path}:{line_of(text, m.start())}: {m[0]}' for path, text in tree.sources()
            if path != 'src/base/compat.h' for m in re.finditer(r'\bPG_(VERSION_NUM|MAJORVERSION\w*)\b', code_only(text))]


@rule('only src/store holds SQL on the ml tables',
      [{'src/api/a.c': 'run("SELECT 1 "\n    "FROM ml.models");\n'}, {'src/flow/a.c': 'run("delete from ml.runs");\n'}],
      {'src/store/a.c': 'run("SELECT 1 FROM ml.models");\n',
       'src/api/a.c': 'ereport(ERROR, (errcode(1), errhint("SELECT name FROM ml.learners shows (them).")));\n'})
def sql_in_store(tree):
    out = []
    verb = re.compile(r'\b(SELECT|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|LOCK)\b.*\bml\.\w+\b(?!\()', re.I | re.S)
    for path, text in tree.match(r'src/(?!store/).*\.[ch]'):
        text = without_comments(text)
        shape = code_only(text)
        for m in reversed(list(re.finditer(r'\berr(msg|detail|hint|context)\w*\s*\(', shape))):
            end = balanced(shape, m.end() - 1)
            text = text[:m.start()] + blank(text[m.start():end]) + text[end:]
        for m in re.finditer(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*', text):
            if verb.search(m[0]):
                out.append(f'{path}:{line_of(text, m.start())}: {m[0].split(chr(10))[0]}')
    return out


@rule('only src/store and three files of src/flow use SPI',
      [{'src/api/a.c': 'void f(void) { SPI_connect(); }\n'}, {'src/flow/train.c': '#include "executor/spi.h"\n'},
       {'src/flow/release.c': '#include "executor/spi.h"\n'}],
      {'src/store/a.c': 'void f(void) { SPI_connect(); }\n', 'src/flow/source.c': '#include "executor/spi.h"\n',
       'src/flow/statement.c': '#include "executor/spi.h"\n'})
def spi_in_store(tree):
    out = []
    for path, text in tree.sources():
        if SPI_FILES.match(path):
            continue
        out += [f'{path}:{line_of(text, m.start())}: {m[0]}' for m in re.finditer(r'\bSPI_\w+', code_only(text))]
        out += [f'{path}:{line}: includes {name}' for line, _, name in tree.includes(path, text) if name.endswith('/spi.h')]
    return out


# A template is a header that says so in its opening comment: it takes macros and has no include guard.
TEMPLATE = re.compile(r'/\*(?:(?!\*/).)*\b(template|once per)\b', re.I | re.S)


@rule('every header but a template compiles after postgres.h and compat.h, alone and twice',
      [{'src/base/a.h': 'extern Undeclared x;\n'}, {'src/base/a.h': 'struct a { int b; };\n'},
       {'src/base/a.h': '#include "postgres.h"\n'}, {'src/math/m.h': 'extern size_t ml_m(void);\n'}],
      {'src/base/compat.h': '#ifndef C_H\n#define C_H\n#include "fmgr.h"\n#endif\n',
       'src/math/t.h': '/*\n * t.h - a template.\n */\nstruct ML_NAME(a) { int b; };\n', 'src/base/a.h': '#ifndef A_H\n#define A_H\nextern Datum ml_a(int32 b);\n#endif\n',
       'src/math/m.h': '#ifndef M_H\n#define M_H\n#include <stddef.h>\nextern size_t ml_m(void);\n#endif\n'})
def headers_stand_alone(tree):
    out = []
    server = tree.config('--includedir-server')
    for path, text in tree.match(r'src/.*\.h'):
        if TEMPLATE.match(text):
            continue
        if any(name in ('postgres.h', 'c.h') for _, _, name in tree.includes(path, text)):
            out.append(f'{path}: includes postgres.h')
            continue
        command = [os.environ.get('CC', 'gcc'), '-fsyntax-only', '-Wall', '-Wextra', '-Wno-unused-parameter',
                   '-Wno-unused-function', '-Wno-sign-compare', '-Werror', '-D_GNU_SOURCE', '-I', 'src', '-isystem', server]
        if room(path) != 'math':
            command += ['-include', 'postgres.h']
            if 'src/base/compat.h' in tree.files:
                command += ['-include', 'base/compat.h']
        name = path[len('src/'):]
        done = subprocess.run(command + ['-x', 'c', '-'], input=f'#include "{name}"\n#include "{name}"\n', cwd=tree.root,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            out += [f'{path}: {line}' for line in done.stdout.splitlines()[:8]]
    return out


# --- the library --------------------------------------------------------

def exported(tree):
    """The names the built library defines for others, or None where it is not built."""
    library = os.path.join(tree.root, 'pg_mlops.so')
    if not os.path.exists(library):
        return None
    lines = subprocess.run(['nm', '-D', '--defined-only', library], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines}


def library_of(*names):
    """A planted library is compiled from this file by the self-test."""
    return {'library.c': ''.join(f'int {name};\n' for name in names)}


def process_entries(tree):
    """What parallel and background workers are started with, which the server finds by name."""
    return {m.group(1) for _, text in tree.match(r'src/.*\.c')
            for m in re.finditer(r'^PGDLLEXPORT void (ml_\w+(?:_worker(?=\(dsm_segment)|_main(?=\(Datum)))', text, re.M)}


@rule('the library exports only its SQL functions and the entry points',
      [library_of('Pg_magic_func', 'helper'), library_of('ml_a'), library_of('pg_finfo_b', 'b'), library_of('pg_finfo_ml_a'),
       library_of('ml_a_worker'), library_of('ml_a_main')],
      {**library_of('Pg_magic_func', '_PG_init', 'ml_a', 'pg_finfo_ml_a', 'ml_b_worker', 'ml_c_main'),
       'src/learn/b.c': 'PGDLLEXPORT void ml_b_worker(dsm_segment *segment, shm_toc *toc);\n',
       'src/worker/c.c': 'PGDLLEXPORT void ml_c_main(Datum arg);\n'})
def exports_allowed(tree):
    names = exported(tree)
    if names is None:
        return None
    out = []
    for name in sorted(names - {'Pg_magic_func', '_PG_init'}):
        if name.startswith('pg_finfo_ml_'):
            if name[len('pg_finfo_'):] not in names:
                out.append(f'{name} without its function')
        elif name in process_entries(tree):
            pass
        elif not name.startswith('ml_') or 'pg_finfo_' + name not in names:
            out.append(name)
    return out


@rule('the SQL pieces and the library name the same C functions',
      [{'src/sql/a.sql': "CREATE FUNCTION ml.a() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME', 'ml_a';\n",
        **library_of('Pg_magic_func')}, library_of('ml_b', 'pg_finfo_ml_b')],
      {'src/sql/a.sql': "CREATE FUNCTION ml.a() RETURNS int LANGUAGE c\n AS 'MODULE_PATHNAME', 'ml_a';\n",
       **library_of('ml_a', 'pg_finfo_ml_a')})
def sql_and_library_agree(tree):
    names = exported(tree)
    if names is None:
        return None
    called, out = set(), []
    for path, text in tree.match(r'src/sql/.*\.sql'):
        for m in re.finditer(r"'MODULE_PATHNAME'\s*,\s*'(\w+)'", text):
            called.add(m[1])
            if m[1] not in names:
                out.append(f'{path}:{line_of(text, m.start())}: the library has no {m[1]}')
    return out + [f'no SQL piece uses {name}' for name in sorted(names) if 'pg_finfo_' + name in names and name not in called]


# --- C ------------------------------------------------------------------

@rule('every ereport of an error has an errcode',
      [{'src/base/a.c': 'void f(void)\n{\n\tereport(ERROR, (errmsg("a (b")));\n}\n'},
       {'src/base/a.c': 'void f(void)\n{\n\terrsave(context, errmsg("a"));\n}\n'}],
      {'src/base/a.c': 'void f(void)\n{\n\tereport(ERROR, (errcode(E), errmsg("a")));\n\tereport(NOTICE, (errmsg("b")));\n'
                       '\tereport(ERROR, (errcode_for_file_access(), errmsg("c")));\n}\n'})
def errors_have_codes(tree):
    out = []
    for path, text in tree.sources():
        code = code_only(text)
        for m in re.finditer(r'\b(ereport(_domain)?|errsave|ereturn)\s*\(', code):
            call = code[m.end() - 1:balanced(code, m.end() - 1)]
            if not re.match(r'\s*#\s*define', code[code.rfind('\n', 0, m.start()) + 1:m.start()]) \
                    and not re.match(r'\(\s*(DEBUG\d?|LOG\w*|INFO|NOTICE|WARNING\w*|COMMERROR)\s*,', call) \
                    and not re.search(r'\berrcode\w*\b', call):
                out.append(f'{path}:{line_of(text, m.start())}: {" ".join(text[m.start():m.start() + 70].split())}')
    return out


@rule('nothing leaves a PG_TRY block by return or goto',
      {'src/base/a.c': 'int f(void)\n{\n\tPG_TRY();\n\t{\n\t\treturn 1;\n\t}\n\tPG_CATCH();\n\t{\n\t}\n\tPG_END_TRY();\n}\n'},
      {'src/base/a.c': 'int f(void)\n{\n\tPG_TRY();\n\t{\n\t}\n\tPG_CATCH();\n\t{\n\t\tPG_RE_THROW();\n\t}\n\tPG_END_TRY();\n'
                       '\treturn 1;\n}\n'})
def try_is_not_left(tree):
    out = []
    for path, text in tree.sources():
        code = code_only(text)
        for block in re.finditer(r'\bPG_TRY\s*\(.*?\bPG_END_TRY\s*\(', code, re.S):
            for m in re.finditer(r'\b(return|goto|PG_RETURN_\w+)\b', block[0]):
                out.append(f'{path}:{line_of(text, block.start() + m.start())}: {m[1]}')
    return out


def file_level(code):
    """Code outside braces; a pair of braces leaves `{}` behind."""
    out, depth = [], 0
    for char in re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda m: blank(m[0]), code, flags=re.M):
        if char == '}':
            depth -= 1
        out.append(char if depth == 0 or char == '\n' else ' ')
        if char == '{':
            depth += 1
    return ''.join(out)


@rule('what is static at file level carries the prefix ml_',
      [{'src/base/a.c': 'static int\ncount(int a)\n{\n\treturn a;\n}\n'}, {'src/base/a.c': 'static const char *names[] = {"a"};\n'},
       {'src/base/a.c': 'static void (*hook) (int a) = NULL;\n'}],
      {'src/base/a.c': 'static ML_CLONES double\nml_count(const double *a)\n{\n\tstatic int calls;\n}\n'
                       'static const struct x ml_names[] = {{1}, {2}};\nstatic MlTick *ml_tick = NULL;\n'
                       'pg_attribute_noreturn() static void ml_stop(void);\nstatic int ml_a, ml_b;\n'
                       'static __attribute__((noinline)) int ml_c(void) { return 1; }\n'
                       'static inline void\nML_NAME(ml_d) (int a)\n{\n}\n'})
def statics_have_prefix(tree):
    out = []
    for path, text in tree.sources():
        code = file_level(code_only(text))
        for m in re.finditer(r'\bstatic\b([^;{}]*)', code):
            declared = re.sub(r'__attribute__\s*\(\(.*?\)\)|\bpg_attribute_\w+\s*\([^)]*\)', ' ', m[1].split('=')[0])
            found = re.search(r'\(\s*\*\s*(\w+)', declared) if re.match(r'[\w\s*]*\(\s*\*', declared) else \
                re.match(r'[\w\s*]*?\b(\w+)\s*(?=[(\[,]|$)', declared.rstrip())
            if found and not found[1].startswith(('ml_', 'ML_')) and 'StaticAssert' not in declared:
                out.append(f'{path}:{line_of(text, m.start())}: {found[1]}')
    return out


@rule('every source file opens with its name and its purpose',
      [{'src/base/a.c': '#include "postgres.h"\n'}, {'src/base/a.c': '/*\n * b.c - counts.\n */\n'}],
      {'src/base/a.c': '/*\n * a.c - counts.\n */\n'})
def files_open(tree):
    return [f'{path}:1: wants /* then " * {os.path.basename(path)} - ..."' for path, text in tree.sources()
            if not text.startswith(f'/*\n * {os.path.basename(path)} - ')]


@rule('C files are indented with tabs and have no // comments',
      [{'src/base/a.c': 'int f(void)\n{\n    return 1;\n}\n'}, {'src/base/a.c': 'int a; // b\n'}],
      {'src/base/a.c': '/*\n * a\n */\nint f(void)\n{\n\treturn g("http://a",\n\t\t\t b);\n}\n'})
def c_style(tree):
    out = []
    for path, text in tree.match(r'.*\.[ch]'):
        for m in C_TOKEN.finditer(text):
            if m[0].startswith('//'):
                out.append(f'{path}:{line_of(text, m.start())}: {m[0]}')
        for n, line in enumerate(text.split('\n'), 1):
            if re.match(r'\t* {4,}|\t* +\t', line):
                out.append(f'{path}:{n}: spaces where a tab belongs')
    return out


def typedefs(tree):
    """Names of the types that our sources define."""
    names = set()
    for _, text in tree.sources():
        code = code_only(text)
        flat = file_level(code)
        names |= set(re.findall(r'\btypedef\b[^;{}]*?\{\s*\}\s*(\w+)\s*;', flat))
        names |= set(re.findall(r'\btypedef\b[^;{}()]*?(\w+)\s*(?:\[\w*\])*\s*(?:__attribute__\s*\(\(.*?\)\)\s*)?;', flat))
        names |= set(re.findall(r'\btypedef\b[^;{}]*?\(\s*\*\s*(\w+)\s*\)', flat))
        names |= set(re.findall(r'\b(?:struct|union|enum)\s+(Ml\w+)\s*\{', code))
    return names


@rule('types are called MlNoun, and typedefs.list names them all',
      [{'src/base/a.h': 'typedef struct A\n{\n\tint b;\n} A;\n', 'typedefs.list': 'A\n'},
       {'src/base/a.h': 'typedef int MlB;\n', 'typedefs.list': 'MlA\n'}],
      {'src/base/a.h': 'typedef struct MlA\n{\n\tint b;\n} MlA;\ntypedef void (*MlF) (int a);\n'
                       'typedef double MlV __attribute__((vector_size(64)));\n', 'typedefs.list': 'MlA\nMlF\nMlV\n'})
def types_listed(tree):
    names = typedefs(tree)
    listed = tree.files.get('typedefs.list', '').split()
    out = [f'{name} does not begin with Ml' for name in sorted(names) if not name.startswith('Ml')]
    out += [f'typedefs.list lacks {name}' for name in sorted(names - set(listed))]
    out += [f'typedefs.list has {name}, which is no type' for name in sorted(set(listed) - names)]
    return out


# --- SQL ----------------------------------------------------------------

def statements(text):
    """Position and text of each statement; BEGIN ATOMIC ... END belongs to its function."""
    code = sql_only(text)
    out, start, depth, atomic = [], 0, 0, False
    for m in re.finditer(r'\bBEGIN\s+ATOMIC\b|\bCASE\b|\bEND\b|;', code, re.I):
        word = m[0].upper()
        if word == ';' and depth == 0:
            out.append((start, code[start:m.start()]))
            start, atomic = m.end(), False
        elif word.startswith('BEGIN'):
            atomic, depth = True, 1
        elif atomic and word == 'CASE':
            depth += 1
        elif atomic and word == 'END':
            depth = max(depth - 1, 0)
    out.append((start, code[start:]))
    return [(p + len(s) - len(s.lstrip()), s.strip()) for p, s in out if s.strip()]


def sql_offenders(tree, pattern, offends):
    out = []
    for path, text in tree.match(pattern):
        for position, statement in statements(text):
            problem = offends(statement)
            if problem:
                out.append(f'{path}:{line_of(text, position)}: {problem}: {" ".join(statement.split())[:90]}')
    return out


SQL_FUNCTION = re.compile(r'CREATE\s+(OR\s+REPLACE\s+)?(FUNCTION|PROCEDURE)\b', re.I)


@rule('install pieces adopt nothing: no CREATE OR REPLACE, no IF NOT EXISTS',
      [{'src/sql/a.sql': 'CREATE OR REPLACE VIEW ml.a AS SELECT 1;\n'}, {'src/sql/a.sql': 'CREATE TABLE IF NOT EXISTS ml.a ();\n'}],
      {'src/sql/a.sql': "-- CREATE OR REPLACE\nCREATE FUNCTION ml.a() RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp\n"
                        "AS $$ BEGIN IF NOT EXISTS (SELECT 1) THEN RETURN 1; END IF; END $$;\n"})
def sql_adopts_nothing(tree):
    def offends(s):
        m = re.search(r'\bCREATE\s+OR\s+REPLACE\b|\bIF\s+NOT\s+EXISTS\b', s, re.I)
        return m and m[0]
    return sql_offenders(tree, r'src/sql/[^/]*\.sql', offends)


@rule('every object the SQL pieces create is qualified',
      [{'src/sql/a.sql': 'CREATE FUNCTION a() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\n'},
       {'src/sql/a.sql': 'CREATE INDEX a_b ON a (b);\n'}, {'src/sql/a.sql': 'ALTER TABLE a ADD b int;\n'}],
      {'src/sql/a.sql': 'CREATE SCHEMA ml;\nCREATE TABLE ml.a (b int);\nCREATE UNIQUE INDEX a_b ON ml.a (b);\n'
                        'CREATE FUNCTION ml.f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; '
                        'SELECT 2; END;\nCREATE VIEW ml.v WITH (security_barrier) AS SELECT 1;\n'
                        'CREATE OPERATOR CLASS ml.o DEFAULT FOR TYPE int USING btree AS STORAGE int;\n'})
def sql_is_qualified(tree):
    kinds = (r'(?:TEMP\w*\s+|UNLOGGED\s+|RECURSIVE\s+|MATERIALIZED\s+)*'
             r'(FUNCTION|PROCEDURE|AGGREGATE|TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|COLLATION|OPERATOR(?:\s+(?:CLASS|FAMILY))?)\s+')
    made = re.compile(r'(?:CREATE\s+(?:OR\s+REPLACE\s+)?|ALTER\s+|DROP\s+)' + kinds + r'(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(ONLY\s+)?(\S+)', re.I)
    on = re.compile(r'CREATE\s+(?:UNIQUE\s+)?(?:CONSTRAINT\s+)?(?:INDEX|TRIGGER|POLICY|RULE)\b.*?\bON\s+(?:ONLY\s+)?(\S+)', re.I | re.S)

    def offends(s):
        m = made.match(s)
        if m:
            return None if m[3].startswith('ml.') else 'not in schema ml'
        m = on.match(s)
        return m and not m[1].startswith('ml.') and 'not on a relation in schema ml'
    return sql_offenders(tree, r'src/sql/.*\.sql', offends)


@rule('every plpgsql function pins its search_path',
      {'src/sql/a.sql': 'CREATE FUNCTION ml.a() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET search_path = pg_catalog, pg_temp; END $$;\n'},
      {'src/sql/a.sql': 'CREATE FUNCTION ml.a() RETURNS int LANGUAGE plpgsql\nSET search_path = pg_catalog, pg_temp\n'
                        'AS $$ BEGIN RETURN 1; END $$;\n'})
def plpgsql_pins_path(tree):
    def offends(s):
        return SQL_FUNCTION.match(s) and re.search(r'\bLANGUAGE\s+\'?\s*plpgsql', s, re.I) and \
            not re.search(r'\bSET\s+search_path\s*(=|TO)\s*pg_catalog\s*,\s*pg_temp\b', s, re.I) and 'no search_path'
    return sql_offenders(tree, r'src/sql/.*\.sql', offends)


@rule('SQL functions have BEGIN ATOMIC bodies',
      {'src/sql/a.sql': 'CREATE FUNCTION ml.a() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;\n'},
      {'src/sql/a.sql': 'CREATE FUNCTION ml.a() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\n'
                        'CREATE FUNCTION ml.b() RETURNS int LANGUAGE sql RETURN 1;\n'})
def sql_bodies_atomic(tree):
    def offends(s):
        return SQL_FUNCTION.match(s) and re.search(r'\bLANGUAGE\s+sql\b', s, re.I) and \
            not re.search(r'\bBEGIN\s+ATOMIC\b|\bRETURN\s', s, re.I) and 'a string for a body'
    return sql_offenders(tree, r'src/sql/.*\.sql', offends)


@rule('no function is SECURITY DEFINER',
      {'src/sql/a.sql': 'CREATE FUNCTION ml.a() RETURNS int LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT 1; END;\n'},
      {'src/sql/a.sql': '-- SECURITY DEFINER would let it\nCREATE FUNCTION ml.a() RETURNS int LANGUAGE sql RETURN 1;\n'})
def no_definer(tree):
    return sql_offenders(tree, r'src/sql/.*\.sql', lambda s: re.search(r'\bSECURITY\s+DEFINER\b', s, re.I) and 'definer')


# --- all files ----------------------------------------------------------

@rule('text files end in one newline and have no trailing whitespace or carriage returns',
      [{'a.md': 'a \n'}, {'a.md': 'a'}, {'a.md': 'a\n\n'}, {'a.md': 'a\r\n'}],
      {'a.md': 'a\n', 'expected/a.out': ' a \n(1 row)\n\n', 'b': ''})
def tidy(tree):
    out = []
    for path, text in tree.files.items():
        if re.fullmatch(r'(.*/)?expected/.*\.out', path):
            continue
        out += [f'{path}:{n}: ends in whitespace' for n, line in enumerate(text.split('\n'), 1) if re.search(r'\s$', line)]
        if text and (not text.endswith('\n') or text.endswith('\n\n')):
            out.append(f'{path}: does not end in one newline')
    return out


@rule('nothing is left to be done',
      [{'src/base/a.c': '/* TO' 'DO: count */\n'}, {'a.md': 'FIX' 'ME\n'}],
      {'a.sh': 'mktemp -d /tmp/a.XXXXXX\n'})
def nothing_left(tree):
    word = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b')
    return [f'{path}:{line_of(text, m.start())}: {m[0]}' for path, text in tree.files.items() for m in word.finditer(text)]


@rule('no path of one machine stands in the repository',
      [{'a.md': 'see /ho' 'me/somebody/x\n'}, {'a.sh': 'cd /wo' 'rk/main\n'}, {'a.sh': 'cd /ro' 'ot/x\n'}],
      {'a.sh': 'cd "$dir/work/x"; ls test/home/x /usr/lib/postgresql /tmp\n'})
def no_machine_paths(tree):
    place = re.compile(r'(?<![\w./$}\])-])/(home|root|work|Users|mnt)(/\w[^\s"\']*|(?=[\s"\')]))')
    return [f'{path}:{line_of(text, m.start())}: {m[0]}' for path, text in tree.files.items() for m in place.finditer(text)]


@rule('META.json gives the version of pg_mlops.control',
      [{'META.json': '{"version": "1.0.0", "provides": {"pg_mlops": {"version": "1.0.0"}}}\n',
        'pg_mlops.control': "default_version = '1.1.0'\n"}, {'pg_mlops.control': "default_version = '1.1.0'\n"}],
      {'META.json': '{"version": "1.1.0", "provides": {"pg_mlops": {"version": "1.1.0"}}}\n',
       'pg_mlops.control': "default_version = '1.1.0'\n"})
def versions_agree(tree):
    version = re.search(r"^default_version\s*=\s*'(.*)'", tree.files.get('pg_mlops.control', ''), re.M)
    try:
        meta = json.loads(tree.files.get('META.json', ''))
        given = {meta['version'], meta['provides']['pg_mlops']['version']}
    except (ValueError, KeyError) as e:
        return [f'META.json: {e!r}']
    return [] if version and given == {version[1]} else [f'META.json: {sorted(given)}, control: {version and version[1]}']


def long_files(tree):
    """A long file is no fault, but it is worth a look."""
    return [f'{path}: {text.count(chr(10))} lines' for path, text in tree.match(r'(src|test)/.*\.([ch]|sql|py|pl)')
            if text.count('\n') > LINES_MAX]


# --- running ------------------------------------------------------------

def run(tree):
    failed = False
    print(f'1..{len(RULES)}')
    for n, r in enumerate(RULES, 1):
        offenders = r.check(tree)
        if offenders is None:
            print(f'ok {n} - {r.name} # skip pg_mlops.so is not built here')
            continue
        print(f'{"not ok" if offenders else "ok"} {n} - {r.name}')
        failed = failed or bool(offenders)
        for line in offenders:
            print('#   ' + line.encode('utf-8', 'replace').decode())
    for line in long_files(tree):
        print(f'# longer than {LINES_MAX} lines: {line}')
    return 1 if failed else 0


def planted(files, pg_config, verdict):
    """What verdict says of a temporary tree of these files."""
    root = tempfile.mkdtemp(prefix='lint')
    try:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', newline='') as f:
                f.write(text)
        if 'library.c' in files:
            subprocess.run([os.environ.get('CC', 'gcc'), '-shared', '-fPIC', '-o', 'pg_mlops.so', 'library.c'], cwd=root, check=True)
            os.unlink(os.path.join(root, 'library.c'))
        return verdict(Tree(root, pg_config))
    finally:
        shutil.rmtree(root)


def self_test(pg_config):
    failed = False
    print(f'1..{len(RULES)}')
    for n, r in enumerate(RULES, 1):
        problems = [f'overlooks {bad}' for bad in r.bad if not planted(bad, pg_config, r.check)]
        complaints = planted(r.good, pg_config, r.check)
        if complaints or complaints is None:
            problems.append(f'complains without a reason: {complaints}')
        print(f'{"not ok" if problems else "ok"} {n} - fails when it should: {r.name}')
        failed = failed or bool(problems)
        for line in problems:
            print('#   ' + line)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--root', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
    parser.add_argument('--pg-config', default='pg_config')
    parser.add_argument('--self-test', action='store_true')
    parser.add_argument('--typedefs', action='store_true')
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.pg_config)
    tree = Tree(os.path.normpath(options.root), options.pg_config)
    if options.typedefs:
        print('\n'.join(sorted(typedefs(tree))))
        return 0
    return run(tree)


if __name__ == '__main__':
    sys.exit(main())
