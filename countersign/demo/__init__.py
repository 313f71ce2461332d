"""The whole service on one machine with real parts: for a first look, a rehearsal, and the tests of faults."""
