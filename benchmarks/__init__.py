"""Speed, measured against the protocols that papers use; run with `make bench`."""
