"""Random input of every kind that comes from outside: never a crash, never slow.

All of these tests together take about a minute; `MIXDIFF_FUZZ_SECONDS=600` gives them ten.
"""
