"""What is tried against the server on purpose; `items` says which test answers which danger."""
