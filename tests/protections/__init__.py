"""What each protection is worth: a small patch removes it, and named tests have to notice."""
