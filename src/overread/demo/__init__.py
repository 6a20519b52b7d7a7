"""The whole road on virtual patients, in one command."""
