"""What benchmarks share: the machine's facts, running a program that prints JSON, packages of npm, and a private Redis."""
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def machine(redis=True):
    """Facts for people and JSON; `redis`: the server's version, too."""
    facts = {"cpu": processor().get("model name", "?"), "cores": os.cpu_count(), "kernel": platform.release(), "load before": load(),
             "commit": first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")}
    if redis:
        facts["redis"] = first_line("redis-server", "--version").split("v=")[1].split()[0]
    return facts


def processor():
    """What /proc/cpuinfo says of the first core, by name."""
    first = open("/proc/cpuinfo").read().split("\n\n")[0]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}


def instructions():
    """What networks are faster by: family and model tell processors of one name apart."""
    facts = processor()
    flags = facts.get("flags", "").split()
    known = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    return {"family": f"{facts.get('cpu family', '?')}/{facts.get('model', '?')}",
            "instructions": " ".join(name for name in known if name in flags)}


def install_packages(folder, packages):
    """Packages of npm into `folder`, without their scripts, unless they are there; {name: version}."""
    if any(not (folder / "node_modules" / name).exists() for name in packages):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        wanted = [f"{name}@{version}" if version else name for name, version in packages.items()]
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *wanted], cwd=folder, check=True,
                       stdout=sys.stderr)
    return {name: json.loads((folder / "node_modules" / name / "package.json").read_text())["version"] for name in packages}


def load():
    return "%.1f" % os.getloadavg()[0]


def need_programs(folder, *names):
    for name in names:
        if not (folder / name).exists():
            sys.exit(f"{folder / name}: build the target {name} first")


def await_socket(path):
    for _ in range(1000):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
                return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"{path}: nobody listens")


def result_of(command, timeout=3600):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
    return json.loads(done.stdout)


class Server:
    """A redis-server on a socket in `folder`; with `delaying`, behind a proxy: (program, milliseconds each way)."""

    def __init__(self, folder, aof="off", delaying=None, more=()):
        self.direct = self.path = folder / "redis.sock"
        self.processes = []
        # Snapshots off: with AOF they would be a second writer.
        self.start("redis-server", "--port", "0", "--unixsocket", self.direct, "--dir", folder, "--save", "", "--appendonly",
                   "no" if aof == "off" else "yes", "--appendfsync", "everysec", *more)
        await_socket(self.direct)
        if delaying:
            self.path = folder / "slow.sock"
            self.start(delaying[0], self.path, self.direct, delaying[1])
            await_socket(self.path)

    def start(self, *command):
        self.processes.append(subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL))

    def ask(self, line):
        """One command without arguments that hold blanks; the reply as text."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.direct))
            connection.sendall(line.encode() + b"\r\n")
            reply = connection.makefile("rb")
            first = reply.readline().decode().strip()
            if not first.startswith("$"):
                return first
            return reply.read(int(first[1:])).decode()

    def info(self, section):
        lines = (line.split(":", 1) for line in self.ask(f"INFO {section}").splitlines() if ":" in line)
        return {name: value for name, value in lines}

    def cpu_seconds(self):
        cpu = self.info("cpu")
        return float(cpu["used_cpu_sys"]) + float(cpu["used_cpu_user"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
