-- Posts that a draft replies to, quotes or reposts.
SET LOCAL lock_timeout = '4s';

-- The api reads no platform: somebody asks for a post by its address, and the worker captures it.
CREATE TABLE target_request (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    asked_by UUID NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    tries INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT target_request_kind_known CHECK (kind IN ('reply', 'quote', 'repost')),
    FOREIGN KEY(account_id) REFERENCES account (id),
    FOREIGN KEY(asked_by) REFERENCES person (id)
);

-- What stood there when it was read, once per request; or, in `note`, why there is nothing.
CREATE TABLE target_capture (
    request_id UUID NOT NULL,
    found BOOLEAN NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    post_id TEXT DEFAULT '' NOT NULL,
    permalink TEXT DEFAULT '' NOT NULL,
    author TEXT DEFAULT '' NOT NULL,
    text TEXT DEFAULT '' NOT NULL,
    fingerprint TEXT DEFAULT '' NOT NULL,
    captured_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (request_id),
    CONSTRAINT target_capture_found_or_noted CHECK (CASE WHEN found THEN post_id <> '' AND note = '' ELSE note <> '' END),
    FOREIGN KEY(request_id) REFERENCES target_request (id)
);
CREATE TRIGGER target_capture_stays BEFORE UPDATE OR DELETE ON target_capture
    FOR EACH ROW EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER target_capture_not_emptied BEFORE TRUNCATE ON target_capture
    FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written();

GRANT SELECT ON target_request, target_capture TO countersign_api, countersign_worker;
GRANT INSERT (id, account_id, kind, address, asked_by) ON target_request TO countersign_api;
GRANT UPDATE (claimed_until, tries) ON target_request TO countersign_worker;
GRANT INSERT (request_id, found, note, post_id, permalink, author, text, fingerprint) ON target_capture TO countersign_worker;
