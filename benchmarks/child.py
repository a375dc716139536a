"""Run a command and write its peak memory as JSON to a file descriptor: `child.py FD COMMAND...`.

A process of its own because Linux counts the memory of the process that calls exec towards the new program's peak:
a small caller keeps that floor at some 10 MB, whatever the benchmark itself holds.
"""

import json
import os
import resource
import subprocess
import sys


def main() -> int:
    code = subprocess.run(sys.argv[2:], check=False).returncode
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest process below this one
    os.write(int(sys.argv[1]), json.dumps({"peak_rss_mb": round(peak_kb / 1024, 1)}).encode())
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
