"""The arithmetic: pure functions over the nouns; no clock, no input or output, no logging."""
