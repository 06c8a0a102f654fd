"""What is remembered: the site, what was answered, and what is still to be said."""
