"""What the commands do to studies and say of them; each command calls one of these, and prints what it returns."""
