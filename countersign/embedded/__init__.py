"""PostgreSQL and Temporal as children of one process, for `make demo` and the tests. Never in production."""
