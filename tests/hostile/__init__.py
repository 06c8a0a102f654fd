"""What people, networks and disks do that nobody should, and what comes of it: nothing."""
