"""Keys of people: signatures (Ed25519), and letters that only their holders open (X25519)."""
