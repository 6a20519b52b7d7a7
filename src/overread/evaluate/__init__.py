"""What the tuning cases decide and the test cases show: metrics as data, goals judged. No torch."""
