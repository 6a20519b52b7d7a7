"""Pages for people: the clinic's status page."""
