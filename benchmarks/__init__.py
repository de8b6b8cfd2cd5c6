"""Our functions beside their peers, measured in turn: `python -m benchmarks`; README.md says how to read it."""
