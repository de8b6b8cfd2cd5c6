"""Walk and embed: a place in space for each node, learned from random walks (node2vec).

Notebook: 09_node2vec.
"""

from lessons.biased_walks import random_walks, step_chances, step_chances_definition

__all__ = ["random_walks", "step_chances", "step_chances_definition"]
