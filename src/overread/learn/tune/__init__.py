"""Which of several plans trains best, by tuning cases: a small typed space, searched with early ends (Optuna)."""
