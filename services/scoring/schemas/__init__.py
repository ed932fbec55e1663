"""HTTP bodies and answers of scoring."""
