"""What is searched, how it is valued, and what is known of people beforehand."""
