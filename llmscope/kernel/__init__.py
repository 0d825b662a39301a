"""The kernel side of a view: requests, and what answers them."""
