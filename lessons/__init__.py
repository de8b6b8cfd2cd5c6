"""`lessons`: the graphs inside neural networks, and neural networks on graphs.

    from lessons import as_graph
    from lessons.topological_sort import topological_sort

Everything is imported from its topic; `lessons lab` opens the course.
"""

from lessons.graph import Graph, as_graph

__all__ = ["Graph", "as_graph"]
__version__ = "0.1.0"
