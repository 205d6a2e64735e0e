"""How the orchestrator bears size: a hundred thousand finished trials, fifty studies, a thousand trainers at once."""
