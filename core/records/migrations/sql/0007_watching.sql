-- Watching the official accounts, and the alarms that it raises.
SET LOCAL lock_timeout = '4s';

-- One row per account: how often people want it read, and what the worker's readings came to.
CREATE TABLE account_watch (
    account_id UUID NOT NULL,
    every_seconds INTEGER DEFAULT 120 NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    readings INTEGER DEFAULT 0 NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    trouble TEXT DEFAULT '' NOT NULL,
    began_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (account_id),
    CONSTRAINT account_watch_is_often CHECK (every_seconds BETWEEN 1 AND 240),
    FOREIGN KEY(account_id) REFERENCES account (id)
);

-- Posts that no ledger needs to explain, or that people accepted as they stand: what each said when it was first read.
CREATE TABLE known_post (
    account_id UUID NOT NULL,
    post_id TEXT NOT NULL,
    why TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (account_id, post_id),
    CONSTRAINT known_post_why_known CHECK (why IN ('stood_before', 'accepted')),
    FOREIGN KEY(account_id) REFERENCES account (id)
);

CREATE TABLE alarm (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    publication_id UUID,
    post_id TEXT,
    sentence TEXT NOT NULL,
    evidence JSONB NOT NULL,
    raised_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT alarm_once UNIQUE (account_id, kind, about),
    CONSTRAINT alarm_kind_known CHECK (kind IN ('rogue', 'edited', 'vanished', 'blind', 'late_receipt')),
    FOREIGN KEY(account_id) REFERENCES account (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);
CREATE INDEX alarm_raised_idx ON alarm (raised_at);

-- An alarm is shown until somebody says, in words, what they did about it.
CREATE TABLE alarm_answer (
    alarm_id UUID NOT NULL,
    person_id UUID NOT NULL,
    words TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (alarm_id),
    CONSTRAINT alarm_answer_says_something CHECK (length(trim(words)) > 0),
    FOREIGN KEY(alarm_id) REFERENCES alarm (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE TRIGGER known_post_stays BEFORE UPDATE OR DELETE ON known_post FOR EACH ROW EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER known_post_not_emptied BEFORE TRUNCATE ON known_post FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER alarm_stays BEFORE UPDATE OR DELETE ON alarm FOR EACH ROW EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER alarm_not_emptied BEFORE TRUNCATE ON alarm FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER alarm_answer_stays BEFORE UPDATE OR DELETE ON alarm_answer FOR EACH ROW EXECUTE FUNCTION stays_as_written();
CREATE TRIGGER alarm_answer_not_emptied BEFORE TRUNCATE ON alarm_answer
    FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written();

-- People set how often and answer; the service reads and raises.
GRANT SELECT ON account_watch, known_post, alarm, alarm_answer TO countersign_api, countersign_worker;
GRANT INSERT (account_id, every_seconds) ON account_watch TO countersign_api;
GRANT UPDATE (every_seconds) ON account_watch TO countersign_api;
GRANT INSERT (alarm_id, person_id, words) ON alarm_answer TO countersign_api;
GRANT INSERT (account_id) ON account_watch TO countersign_worker;
GRANT UPDATE (next_at, leased_until, readings, seen_at, trouble) ON account_watch TO countersign_worker;
GRANT INSERT (account_id, post_id, why, fingerprint) ON known_post TO countersign_worker;
GRANT INSERT (id, account_id, kind, about, publication_id, post_id, sentence, evidence) ON alarm TO countersign_worker;
