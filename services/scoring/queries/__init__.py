"""What scoring asks its tables."""
