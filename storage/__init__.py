"""The shelves: each implements a port of uploads/ports.py. Knows no HTTP."""
