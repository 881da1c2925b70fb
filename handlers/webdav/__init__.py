"""WebDAV, classes 1, 2 and 3 (RFC 4918): the same tree for clients that sync or mount it."""
