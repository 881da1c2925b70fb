"""Every port in memory: read it first. Tests run on it."""
