"""What spark-submit starts: it takes a file, and would put a file's own folder in front of the import path.

That is why this lies here and not in jobs/, whose module names would hide those of the standard library.
"""

from jobs.cli import main

if __name__ == "__main__":
    main()
