"""What a report is about as of an instant, and its numbers by dimension and period."""
