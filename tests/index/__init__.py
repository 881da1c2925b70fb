"""The contract of the port `Index`, the same for every implementation, and what is SQLite's."""
