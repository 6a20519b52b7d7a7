"""report.html and report.json: what the test showed, for a person and for a program."""
