"""The documents, and `generate`, which writes those tables in them that the code decides."""
