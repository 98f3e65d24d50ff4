"""How scans come in: the empty centre, what was dropped, and what was open before."""
