"""What scoring does by itself: classes that have changed, and statistics that are due."""
