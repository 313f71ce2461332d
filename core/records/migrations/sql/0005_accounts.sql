-- Connecting accounts, and their sealed secrets.
SET LOCAL lock_timeout = '4s';
