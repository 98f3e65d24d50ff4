"""The print studio: a window in which structures become parts for a printer, step by step, checked before export.

What is made stands in `surfaces/solids` and `surfaces/preflight`; here a person chooses, sees and writes.
"""
