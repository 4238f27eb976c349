"""The ledger: every rule by hand, its properties by chance, and a second reading of the rules."""
