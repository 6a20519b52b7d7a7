"""What the spool is made of: an instance on its way in, the mark that says it is whole, the journal."""
