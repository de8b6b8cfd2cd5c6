"""Convolve on a graph: from spectral filters to graph convolutional networks.

    S = propagation(graph)                               # what a layer passes along the edges
    model = GCN([64, 32, 10], seed=0)                    # or ChebNet([64, 32, 10], order=2, seed=0)
    train_node_classifier(model, graph, X, y, train=train, validation=validation)
    predict(model, graph, X)                             # (n,) a class for each node

Everything public of the topic is here; `graph_layers` and `node_classification` tell more.
"""

from __future__ import annotations

from lessons.graph_layers import (
    GCN,
    ChebConv,
    ChebNet,
    GCNConv,
    GraphNetwork,
    gcn_definition,
    propagation,
    row_normalised,
    with_self_loops,
)
from lessons.node_classification import NodeTraining, predict, train_node_classifier

__all__ = [
    "GCN",
    "ChebConv",
    "ChebNet",
    "GCNConv",
    "GraphNetwork",
    "NodeTraining",
    "gcn_definition",
    "predict",
    "propagation",
    "row_normalised",
    "train_node_classifier",
    "with_self_loops",
]
