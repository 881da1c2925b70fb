"""The tests, one file per module: rules, contracts, doors, races and crashes, and the guards."""
