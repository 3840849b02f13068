"""Logs of one's own training runs: read strictly, turned into a dataset with a card."""
