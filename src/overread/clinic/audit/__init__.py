"""The audit trail: what the chain of evidence holds, sent as ATNA messages to an audit record repository."""
