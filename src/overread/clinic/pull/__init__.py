"""Studies that are asked for at an archive: C-GET and C-MOVE (PS3.4 annex C), WADO-RS (PS3.18 section 10.4)."""
