"""The rules. No HTTP, no SQL, no disk: this unit imports the standard library and itself only."""
