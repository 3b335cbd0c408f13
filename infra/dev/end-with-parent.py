"""Runs a program that ends when its parent ends, even when the parent is killed with SIGKILL.

usage: python end-with-parent.py PARENT_PID SIGNAL_NAME PROGRAM [ARGUMENT...]

On Linux the kernel does it: the parent-death signal stays set across exec. Elsewhere a small forked
watchdog looks twice a second. Either way the program keeps this process's id, so the parent can signal it.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.5
GRACE_S = 5


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def watch(parent_pid, death_signal):
    """Forks; the child stays behind as the watchdog, the caller goes on to become the program."""
    program_pid = os.getpid()
    if os.fork() != 0:
        return
    os.setsid()
    while os.getppid() == program_pid and alive(parent_pid):
        time.sleep(WATCH_INTERVAL_S)
    deadline = time.monotonic() + GRACE_S
    while os.getppid() == program_pid:
        os.kill(program_pid, death_signal if time.monotonic() < deadline else signal.SIGKILL)
        time.sleep(WATCH_INTERVAL_S)
    os._exit(0)


def main():
    parent_pid, death_signal = int(sys.argv[1]), signal.Signals[sys.argv[2]]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    else:
        watch(parent_pid, death_signal)
    # The parent may have died before the signal was set; then nobody would ever end us.
    if os.getppid() != parent_pid:
        sys.exit(f"The parent {parent_pid} has already ended, so {sys.argv[3]} is not started.")
    os.execv(sys.argv[3], sys.argv[3:])


main()
