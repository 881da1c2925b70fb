"""What stands around the server: its settings, its command line, and the other commands."""

VERSION = "0.1.0.dev0"
