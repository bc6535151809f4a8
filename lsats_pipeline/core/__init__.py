"""What every product stands on: one of each."""
