"""What the benchmarks of the queue share: a private Redis, the machine's facts, and running a program that prints JSON."""
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


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "load before": load(),
            "redis": first_line("redis-server", "--version").split("v=")[1].split()[0],
            "commit": first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")}


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
