"""Faults and races staged on purpose, and what must be true after each."""
