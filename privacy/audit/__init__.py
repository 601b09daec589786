"""Audits of archives: every look into a prohibited place, found in recordings that nobody watches.

archive -> scan -> book -> finding -> page, findings.json, findings.csv. An engine says who scans.
"""
