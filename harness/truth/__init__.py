"""What the simulator knows and the visit does not: opened to judge and as key."""
