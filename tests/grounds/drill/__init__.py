"""The fault drill: each driver in the real service, with a fake underneath that hangs, dies, lies
or freezes, beside devices that are well. ``scripts/fault-drill`` runs it."""
