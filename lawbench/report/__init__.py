"""Reports: tables, figures, a page and a manifest from stored results."""
