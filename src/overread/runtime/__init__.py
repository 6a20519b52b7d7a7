"""The model package and the one predict(). No torch."""
