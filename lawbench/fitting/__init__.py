"""Fitting: objective, search, polish, certificate, bootstrap, recipes."""
