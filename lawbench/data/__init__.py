"""Data: cards, where files come from, and the runs made of them."""
