"""Installation, operational and performance qualification of this machine, and a local acceptance test."""
