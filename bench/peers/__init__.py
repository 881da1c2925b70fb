"""noclobber beside other servers."""
