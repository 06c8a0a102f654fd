"""What mutation testing made of the rules, held against what is argued to be harmless."""
