"""What results say: evaluations of proposals, results of generators, Pareto fronts and hypervolumes. Pure."""
