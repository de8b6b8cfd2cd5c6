"""Cut a graph into parts of like weight, with few edges between them.

    parts = partition(graph, k=4)                      # (n,) the part of each node
    edge_cut(graph, parts), imbalance(graph, parts)

Beside it: `kernighan_lin`, `fiduccia_mattheyses` and `spectral_bisection` for two parts, the phases of the
multilevel method (`lessons.multilevel`), and `pipeline_partition`, which cuts a model into stages.
"""

from __future__ import annotations

from lessons.cuts import communication_volume, edge_cut, heaviest_allowed, imbalance, part_weights

__all__ = ["communication_volume", "edge_cut", "heaviest_allowed", "imbalance", "part_weights"]
