"""Runs a Slurm on this machine, with its own ports, state and keys; for tests and proofs."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

# slurmctld and slurmd are in /usr/sbin, which may not be on PATH.
PATH = os.environ["PATH"] + ":/usr/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scancel")

CONFIG = """\
ClusterName=flashcore
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
SlurmdTimeout=10
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerParameters=sched_interval=1,batch_sched_delay=1
MpiDefault=none
ReturnToService=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} State=UNKNOWN"


def reason_against():
    """The reason why Slurm cannot be started here, or None."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=PATH) is None]
    if missing:
        return f"Slurm is not installed (packages slurm-wlm and munge): no {', '.join(missing)}"
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    return None


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


class Slurm:
    """A context manager that starts and stops Slurm. `environment` is for Slurm's commands.

    `nodes` are names; the processors of this machine then play that many machines with one processor each.
    """

    def __init__(self, folder, nodes=()):
        self.folder = pathlib.Path(folder).resolve()
        self.host = socket.gethostname().split(".")[0]
        self.cpus = 1 if nodes else os.cpu_count()
        self.nodes = dict.fromkeys(nodes or [self.host])
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.daemons = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("state", *(f"spool-{node}" for node in self.nodes)):
            (self.folder / name).mkdir()
        controller_port, *ports = free_ports(1 + len(self.nodes))
        nodes = [NODE.format(name=name, host=self.host, port=port, cpus=self.cpus)
                 for name, port in zip(self.nodes, ports)]
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            folder=self.folder, host=self.host, controller_port=controller_port, nodes="\n".join(nodes)))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        # --force, because munged expects its folders in /var and /run.
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}",
                    *(f"--{what}={self.folder}/munge.{end}" for what, end in
                      (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))))
        self.wait_until("munged listens", lambda: (self.folder / "munge.socket").exists())
        self.daemon("slurmctld", "-D", "-c")
        for name in self.nodes:
            self.nodes[name] = self.daemon("slurmd", "-D", "-N", name)
        self.wait_until("all nodes are idle", lambda: self.idle_nodes() == len(self.nodes))

    def idle_nodes(self):
        return self.command("sinfo", "--noheader", "--Node", "--format=%T").split().count("idle")

    def daemon(self, *command):
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.daemons.append(process)
        return process

    def stop(self):
        for process in reversed(self.daemons):
            process.terminate()
        for process in self.daemons:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def command(self, *command):
        """The standard output of a Slurm command; empty if it fails."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def wait_until(self, what, condition, timeout_s=120):
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))
                raise TimeoutError(f"waited {timeout_s} s until {what}\n{logs}")
            time.sleep(0.2)

    def kill_node(self, name):
        """A power cut: neither the node's daemon nor its tasks end in order. Returns the number of killed tasks' processes."""
        self.nodes[name].kill()
        tasks = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self.runs_on(pid, name)]
        parents = {parent_of(pid) for pid in tasks}
        for pid in [pid for pid in parents if command_of(pid).startswith("slurmstepd")] + tasks:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(tasks)

    def runs_on(self, pid, node):
        try:
            entries = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        ours = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        return f"SLURMD_NODENAME={node}".encode() in entries and ours in entries

    def run_array(self, size, script, *arguments, **environment):
        """Submits an array job of `size` tasks, waits for its end, and returns the output of each task."""
        result = subprocess.run(
            ["sbatch", "--parsable", f"--array=1-{size}", f"--output={self.folder}/task-%a.out", "--chdir=/tmp",
             str(script), *map(str, arguments)],
            env={**self.environment, **environment}, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        job = result.stdout.strip()
        self.wait_until("the array job ends",
                        lambda: not self.command("squeue", "--noheader", f"--jobs={job}").strip())
        return {task: (self.folder / f"task-{task}.out").read_text() for task in range(1, size + 1)}


def parent_of(pid):
    """0 if there is no such process any more."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
