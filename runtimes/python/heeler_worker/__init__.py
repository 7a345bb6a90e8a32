"""A warm worker of heeler for functions written in Python: standard library only, from Python 3.9 on.

Five steps, each in a file of its own or nearly so: connect, load, hello, serve, bye. What a call does not need is not
imported: a function that imports nothing is ready a few milliseconds after a bare interpreter would be.
"""

VERSION = "1"
