"""What other servers and ours have kept of what they said is stored."""
