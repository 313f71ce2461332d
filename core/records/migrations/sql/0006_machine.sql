-- The rest of the publication machine: keys, resending, resolving, taking down, quotas.
SET LOCAL lock_timeout = '4s';

ALTER TABLE receipt DROP CONSTRAINT receipt_result_known;
ALTER TABLE receipt ADD CONSTRAINT receipt_result_known
    CHECK (result IN ('accepted', 'processing', 'not_sent', 'refused', 'unknown'));
