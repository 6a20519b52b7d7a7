"""The workshop: protocol.yaml and the stages from init to explain."""
