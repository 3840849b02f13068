"""``python -m lawbench.cli``."""

from lawbench.cli import main

main()
