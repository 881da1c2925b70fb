"""Whole folders in and out: import and export."""
