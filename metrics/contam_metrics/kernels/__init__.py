"""The hot loops, compiled by numba; everything here works on plain arrays and releases the GIL."""
