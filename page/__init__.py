"""The page's script: its sources in TypeScript, and how they are built. Not part of the server."""
