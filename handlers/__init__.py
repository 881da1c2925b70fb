"""The doors: each speaks one dialect of HTTP. Knows no rule and touches no file."""
