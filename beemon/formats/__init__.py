"""The formats of other programs: readings as text or JSON, by pure functions.

Exports write files of them, the page and the uplink send them. Each format has one table with its
names and units.
"""
