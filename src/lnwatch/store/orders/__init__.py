"""Orders: the groups of invoices that they are made of, how they stand, and what they add up to."""
