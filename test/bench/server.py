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


class Peak(threading.Thread):
    """Watches the anonymous memory of a process until it is asked for the peak."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.done = pid, anonymous_mb(pid), threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, anonymous_mb(self.pid))

    def stop(self):
        self.done.set()
        self.join()
        return max(self.peak, anonymous_mb(self.pid))


class Run:
    """One execution: seconds on the wall, CPU seconds, megabytes over the start, and the rows it returned."""

    def __init__(self, wall, cpu, memory, rows=None):
        self.wall, self.cpu, self.memory, self.rows = wall, cpu, memory, rows


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

    def measure(self, sql):
        """Executes a statement and returns its Run."""
        start = anonymous_mb(self.pid)
        watch = Peak(self.pid)
        cpu, wall = cpu_seconds(self.pid), time.perf_counter()
        try:
            rows = self.query(sql)
            wall, cpu = time.perf_counter() - wall, cpu_seconds(self.pid) - cpu
        finally:
            peak = watch.stop()
        return Run(wall, cpu, peak - start, rows)

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

    def measure(self, sql, before=None):
        """Executes a statement in a fresh backend, after an unmeasured one if given, and returns its Run."""
        with self.connect() as conn:
            conn.query(before or "SELECT 1")
            return conn.measure(sql)

    def stop(self):
        self.cluster("stop")
