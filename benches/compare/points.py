"""The points of growth.py's curves: what it measures, and what a goal needs all of."""

CURVES = {
    "connections": [1, 10, 100, 1000, 10_000],
    "workers": [1, 2, 4, 8, 16, 32, 64],
    "body": [100, 10_000, 1_000_000, 64 << 20],
    # heeler takes 100, its upstream in http mode as many, and there some come on the way.
    "headers": [1, 10, 30, 90],
}
# So many connections call, where the others are idle.
FEW = 10
