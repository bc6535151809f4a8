"""The campus data hub: six systems into one PostgreSQL, every day, with every value explained."""
