"""Instances by HTTP: STOW-RS (PS3.18 section 10.5), kept like those that come by C-STORE."""
