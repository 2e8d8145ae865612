"""The metric table, a module for each noun."""
