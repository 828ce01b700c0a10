"""Numbers of the region for those who see no person: fixed tables, with small cells withheld so that nobody can be counted out of them."""
