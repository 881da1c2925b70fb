"""What keeps a store in order: verifying, collecting garbage, backup, a look at the machine."""
