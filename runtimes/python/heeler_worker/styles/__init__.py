"""One file for each style of function: what its arguments are and what its results mean."""
