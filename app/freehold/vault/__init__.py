"""The encrypted store: key slots, opening, migrations, lock, backup."""
