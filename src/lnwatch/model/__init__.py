"""The nouns: frozen values that every room speaks; standard library only."""
