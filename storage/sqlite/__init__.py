"""The index on SQLite: one writing thread, a few reading ones, and the tables behind them."""
