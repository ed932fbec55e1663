"""Who is who: claims about names, the judge who rules on them, and the graph that follows (DESIGN.md section 7)."""
