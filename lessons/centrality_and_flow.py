"""Who matters in a network, and where it chokes.

    betweenness(graph), pagerank(graph)            # (n,) a number for each node
    shortest_paths(graph, "a").path("z")           # who is on the way
    max_flow(graph, "a", "z").cut                  # the edges that allow no more

Everything public of the topic is here; the modules that it comes from tell more. The weights of a graph are
lengths to the paths and to betweenness, strengths to the walks and capacities to the flows.
"""

from __future__ import annotations

from lessons.centrality import (
    SampledBetweenness,
    betweenness,
    betweenness_definition,
    count_paths_definition,
    edge_betweenness,
    sampled_betweenness,
    samples_for,
)
from lessons.flow_networks import (
    MaxFlow,
    augmenting_path_definition,
    max_flow,
    max_flow_definition,
    min_node_cut,
)
from lessons.neurons import (
    hidden_neurons,
    neuron_graph,
    path_lengths,
    pruning_curve,
    pruning_order,
    weights_of,
    without_neurons,
)
from lessons.offloading import Split, least_bytes_cut, offload, positions
from lessons.paths import ShortestPaths, bfs_definition, dijkstra_definition, distances, shortest_paths
from lessons.small_world import average_path_length, clustering, spread_definition, triangles_definition
from lessons.walks import pagerank, pagerank_definition, random_walk_visits

__all__ = [
    "MaxFlow",
    "SampledBetweenness",
    "ShortestPaths",
    "Split",
    "augmenting_path_definition",
    "average_path_length",
    "betweenness",
    "betweenness_definition",
    "bfs_definition",
    "clustering",
    "count_paths_definition",
    "dijkstra_definition",
    "distances",
    "edge_betweenness",
    "hidden_neurons",
    "least_bytes_cut",
    "max_flow",
    "max_flow_definition",
    "min_node_cut",
    "neuron_graph",
    "offload",
    "pagerank",
    "pagerank_definition",
    "path_lengths",
    "positions",
    "pruning_curve",
    "pruning_order",
    "random_walk_visits",
    "sampled_betweenness",
    "samples_for",
    "shortest_paths",
    "spread_definition",
    "triangles_definition",
    "weights_of",
    "without_neurons",
]
