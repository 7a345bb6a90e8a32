"""What heeler starts: `python3 start.py`, with HEELER_FD naming the socket. Kept tiny, since Python compiles it anew each time."""

import sys

# The guard is for multiprocessing: the processes that it spawns run this file again, under another name.
if __name__ == "__main__":
    # Images often forbid Python to keep what it compiles. For these files it is kept if the folder allows it, since a
    # worker that compiles them takes longer to do that than all the rest of its start.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    from heeler_worker.main import main

    # The folder of this file: only the package was to be found here, not whatever else a handler may import.
    del sys.path[0]
    main(kept)
