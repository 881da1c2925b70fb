"""What the desktop clients of Nextcloud and ownCloud need beside WebDAV: the same tree for them."""
