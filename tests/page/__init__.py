"""The page as people use it: stories in a real browser, on a real server."""
