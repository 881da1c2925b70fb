"""The bytes on a local disk: staged without a name, synced, linked into place."""
