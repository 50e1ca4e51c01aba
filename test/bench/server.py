"""A throw-away server and measured statements in it: libpq through ctypes, CPU and memory from /proc."""
import ctypes
import ctypes.util
import os
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = os.path.join(os.path.dirname(HERE), "cluster")
PAGE = os.sysconf("SC_PAGE_SIZE")
SAMPLE_SECONDS = 0.004
FAMILY_SAMPLE_SECONDS = 0.02

CONNECTION_OK = 0
COMMAND_OK, TUPLES_OK = 1, 2


class SqlError(Exception):
    pass


def load_libpq(libdir):
    """Returns libpq with the argument types of the calls made here, or None when there is none."""
    for name in (os.path.join(libdir, "libpq.so.5"), "libpq.so.5", ctypes.util.find_library("pq")):
        try:
            lib = ctypes.CDLL(name)
            break
        except (OSError, TypeError):
            pass
    else:
        return None
    for call, result, arguments in (
            ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]),
            ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
            ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
            ("PQbackendPID", ctypes.c_int, [ctypes.c_void_p]),
            ("PQexec", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
            ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]),
            ("PQntuples", ctypes.c_int, [ctypes.c_void_p]),
            ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
            ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
            ("PQclear", None, [ctypes.c_void_p]),
            ("PQfinish", None, [ctypes.c_void_p])):
        getattr(lib, call).restype = result
        getattr(lib, call).argtypes = arguments
    return lib


def cpu_seconds(pid):
    """CPU seconds of all threads of a process: the scheduler's nanoseconds, or clock ticks where it keeps none."""
    try:
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total / 1e9
    except OSError:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous_mb(pid):
    """Anonymous memory of a process: what is resident without files and without shared memory."""
    with open(f"/proc/{pid}/statm") as f:
        _, resident, shared = f.read().split()[:3]
    return (int(resident) - int(shared)) * PAGE / 1e6


def children(pid):
    """The processes that another one has started and that still run."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return {int(child) for child in f.read().split()}


def shared_segments(pid):
    """The dynamic shared memory that a process has mapped: file -> bytes, all of which the server reserves."""
    found = {}
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            if "/PostgreSQL." in line:
                addresses, _, _, _, _, path = line.split(maxsplit=5)
                start, end = (int(address, 16) for address in addresses.split("-"))
                found[path] = found.get(path, 0) + end - start
    return found


class Watch(threading.Thread):
    """
    Watches the memory of a process until it is told to stop. Where the postmaster is given, the processes that it starts
    meanwhile belong to the same work: their anonymous memory counts too, and so does dynamic shared memory, once; and
    their CPU seconds are kept, for they may be gone at the end.
    """

    def __init__(self, pid, postmaster=None):
        super().__init__(daemon=True)
        self.pid, self.postmaster, self.done = pid, postmaster, threading.Event()
        self.before = children(postmaster) if postmaster else set()
        self.workers = {}
        self.peak = 0
        self.look()
        self.start_mb = self.peak
        self.start()

    def look(self):
        if not self.postmaster:
            self.peak = max(self.peak, anonymous_mb(self.pid))
            return
        total, segments = 0, {}
        for pid in [self.pid] + sorted(children(self.postmaster) - self.before):
            try:
                total += anonymous_mb(pid)
                segments.update(shared_segments(pid))
                if pid != self.pid:
                    self.workers[pid] = cpu_seconds(pid)
            except (OSError, ValueError):
                pass                                        # it has just ended
        self.peak = max(self.peak, total + sum(segments.values()) / 1e6)

    def run(self):
        while not self.done.wait(FAMILY_SAMPLE_SECONDS if self.postmaster else SAMPLE_SECONDS):
            self.look()

    def stop(self):
        self.done.set()
        self.join()
        self.look()


class Run:
    """
    One execution: seconds on the wall, CPU seconds, megabytes over the start, the rows it returned, and the number of
    processes that took part, where that was watched.
    """

    def __init__(self, wall, cpu, memory, rows=None, processes=1):
        self.wall, self.cpu, self.memory, self.rows, self.processes = wall, cpu, memory, rows, processes


class Connection:
    """One connection; rows come back as tuples of strings."""

    def __init__(self, lib, conninfo):
        self.lib = lib
        self.conn = lib.PQconnectdb(conninfo.encode())
        if lib.PQstatus(self.conn) != CONNECTION_OK:
            raise SqlError(lib.PQerrorMessage(self.conn).decode())
        self.pid = lib.PQbackendPID(self.conn)

    def query(self, sql):
        result = self.lib.PQexec(self.conn, sql.encode())
        try:
            if self.lib.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
                raise SqlError(self.lib.PQerrorMessage(self.conn).decode().strip() + "\nin: " + sql)
            columns = range(self.lib.PQnfields(result))
            return [tuple(self.lib.PQgetvalue(result, i, j).decode() for j in columns)
                    for i in range(self.lib.PQntuples(result))]
        finally:
            self.lib.PQclear(result)

    def measure(self, sql, postmaster=None):
        """Executes a statement and returns its Run, with the processes that the postmaster, if given, starts for it."""
        watch = Watch(self.pid, postmaster)
        cpu, wall = cpu_seconds(self.pid), time.perf_counter()
        try:
            rows = self.query(sql)
            wall, cpu = time.perf_counter() - wall, cpu_seconds(self.pid) - cpu
        finally:
            watch.stop()
        return Run(wall, cpu + sum(watch.workers.values()), watch.peak - watch.start_mb, rows, 1 + len(watch.workers))

    def close(self):
        self.lib.PQfinish(self.conn)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """A cluster in a directory of its own, made and removed by test/cluster."""

    def __init__(self, directory, pg_config, lib):
        self.directory, self.lib = directory, lib
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.environment["PG_CONFIG"] = pg_config
        self.conninfo = f"host={directory} user=postgres dbname=postgres"

    def start(self, settings):
        self.cluster("start", *(f"{name}={value}" for name, value in settings.items()))

    def cluster(self, verb, *arguments):
        done = subprocess.run(["sh", CLUSTER, verb, self.directory, *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise SystemExit(f"cannot {verb} the server: {done.stdout}")

    def connect(self):
        return Connection(self.lib, self.conninfo)

    def query(self, sql):
        with self.connect() as conn:
            return conn.query(sql)

    def measure(self, sql, before=None, family=False):
        """
        Executes a statement in a fresh backend, after an unmeasured one if given, and returns its Run; family counts the
        parallel workers and the dynamic shared memory too.
        """
        with self.connect() as conn:
            conn.query(before or "SELECT 1")
            return conn.measure(sql, self.postmaster() if family else None)

    def postmaster(self):
        with open(os.path.join(self.directory, "data", "postmaster.pid")) as f:
            return int(f.readline())

    def stop(self):
        self.cluster("stop")
