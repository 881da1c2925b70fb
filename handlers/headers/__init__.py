"""What stands in headers: pure parsers, which know no request and no rule."""
