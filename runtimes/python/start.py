"""What heeler starts: `python3 start.py`, with HEELER_FD naming the socket. Kept tiny, since Python compiles it anew each time."""

import sys

# The guard is for multiprocessing: the processes that it spawns run this file again, under another name.
if __name__ == "__main__":
    from heeler_worker.main import main

    # The folder of this file: only the package was to be found here, not whatever else a handler may import.
    del sys.path[0]
    main()
