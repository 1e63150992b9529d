"""
Start a command and write what it cost to a file, as JSON. Usage: launch.py FILE COMMAND...

It is small on purpose: Linux counts a process's peak from the size of the one that started it.
"""

import json
import os
import sys
import time

began = time.monotonic()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
cost = {
    "wall": time.monotonic() - began,
    "cpu": used.ru_utime + used.ru_stime,
    # Linux counts in KiB.
    "peak_bytes": used.ru_maxrss * 1024,
    "code": os.waitstatus_to_exitcode(status),
}
os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600), json.dumps(cost).encode())
