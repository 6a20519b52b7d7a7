"""Urgent studies as workitems of the Unified Procedure Step (PS3.4 annex CC), served by UPS-RS (PS3.18 section 11)."""
