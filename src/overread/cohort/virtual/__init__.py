"""Virtual patients: brain MR with white-matter lesions of known extent."""
