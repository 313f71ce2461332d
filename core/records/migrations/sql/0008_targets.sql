-- Posts that a draft replies to, quotes or reposts.
SET LOCAL lock_timeout = '4s';
