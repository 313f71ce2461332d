-- Watching the official accounts, and the alarms that it raises.
SET LOCAL lock_timeout = '4s';
