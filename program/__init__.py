"""What stands around the server: its settings, its command line, and the other commands."""
