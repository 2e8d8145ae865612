"""What a View needs of the past, read once and then kept up with what is appended."""
