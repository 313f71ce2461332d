"""The platforms as HTTP servers of our own, for demo and tests: strict where they are, lying as they do, with a ledger."""
