"""Where results come from: hashes and versions, reports read back, what changed, and running a report again."""
