"""
Fault injection for both embedded servers.

`injector.FaultInjector` decides which requests fail: faults that a test planned, and random faults of a profile.
`inject.inject` makes one answer fail on the wire. `named.start_faults` starts a profile by name (`--faults`).
"""
