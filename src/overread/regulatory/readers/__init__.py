"""Reader studies: readings imported and analysed with readers and cases both at random."""
