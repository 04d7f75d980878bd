"""Runs a Slurm with one node on this machine, with its own ports, state and keys; for tests."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

# slurmctld and slurmd are in /usr/sbin, which may not be on PATH.
PATH = os.environ["PATH"] + ":/usr/sbin"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo")

CONFIG = """\
ClusterName=flashcore
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerParameters=sched_interval=1,batch_sched_delay=1
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


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
    """A context manager that starts and stops Slurm. `environment` is for Slurm's commands."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.host = socket.gethostname().split(".")[0]
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
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        controller_port, node_port = free_ports(2)
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            folder=self.folder, host=self.host, controller_port=controller_port, node_port=node_port,
            cpus=os.cpu_count()))
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        # --force, because munged expects its folders in /var and /run.
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}",
                    *(f"--{what}={self.folder}/munge.{end}" for what, end in
                      (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))))
        self.wait_until("munged listens", lambda: (self.folder / "munge.socket").exists())
        self.daemon("slurmctld", "-D", "-c")
        self.daemon("slurmd", "-D", "-N", self.host)
        self.wait_until("the node is idle", lambda: "idle" in self.command("sinfo", "--noheader", "--format=%T"))

    def daemon(self, *command):
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

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
