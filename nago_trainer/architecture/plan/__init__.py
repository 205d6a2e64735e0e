"""From an architecture and a width to a plan, and what the plan costs."""
