CREATE TABLE account (
    id UUID NOT NULL,
    platform TEXT NOT NULL,
    platform_account_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    name TEXT NOT NULL,
    owner_team TEXT NOT NULL,
    status TEXT DEFAULT 'connected' NOT NULL,
    revision INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT account_platform_id_key UNIQUE (platform, platform_account_id),
    CONSTRAINT account_status_known CHECK (status IN ('connected', 'disconnected'))
);
CREATE TABLE hold (
    id UUID NOT NULL,
    scope TEXT NOT NULL,
    target TEXT DEFAULT '' NOT NULL,
    reason TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lifted_by TEXT,
    lift_confirmed_by TEXT,
    PRIMARY KEY (id),
    CONSTRAINT hold_scope_known CHECK (scope IN ('all', 'platform', 'account', 'draft')),
    CONSTRAINT hold_lift_takes_two CHECK (lifted_at IS NULL OR coalesce(lifted_by, '') <> coalesce(lift_confirmed_by, '') AND lifted_by IS NOT NULL AND lift_confirmed_by IS NOT NULL)
);
CREATE INDEX hold_standing_idx ON hold (scope, target) WHERE lifted_at IS NULL;
CREATE TABLE manifest (
    digest TEXT NOT NULL,
    canonical BYTEA NOT NULL,
    PRIMARY KEY (digest),
    CONSTRAINT manifest_digest_matches CHECK (digest = 'v1:sha256:' || encode(sha256(canonical), 'hex'))
);
CREATE TABLE media (
    sha256 TEXT NOT NULL,
    mime TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size INTEGER NOT NULL,
    uploaded_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (sha256)
);
CREATE TABLE person (
    id UUID NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    roles TEXT[] NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT person_issuer_subject_key UNIQUE (issuer, subject)
);
CREATE TABLE legal_move (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
);
CREATE TABLE audit_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    subject TEXT NOT NULL,
    number INTEGER NOT NULL,
    prev BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    paragraph INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT audit_event_subject_number_key UNIQUE (subject, number),
    CONSTRAINT audit_event_prev_key UNIQUE (prev),
    CONSTRAINT audit_event_hash_matches CHECK (hash = sha256(body))
);
CREATE TABLE audit_head (
    subject TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (subject)
);
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    delivered_at TIMESTAMP WITH TIME ZONE,
    tries INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT outbox_kind_known CHECK (kind IN ('draft', 'publication'))
);
CREATE INDEX outbox_waiting_idx ON outbox (id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_subject_idx ON outbox (kind, subject_id, delivered_at);
CREATE INDEX outbox_delivered_idx ON outbox (delivered_at);
CREATE TABLE heartbeat (
    worker TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    engine_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (worker)
);
CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request BYTEA NOT NULL,
    status INTEGER,
    body BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE TABLE route (
    id UUID NOT NULL,
    account_id UUID,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    steps JSONB NOT NULL,
    made_by TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT route_account_version_key UNIQUE NULLS NOT DISTINCT (account_id, version),
    CONSTRAINT route_takes_two CHECK (made_by <> confirmed_by),
    FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE TABLE authority (
    id UUID NOT NULL,
    person_id UUID NOT NULL,
    role TEXT NOT NULL,
    account_id UUID,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    granted_by TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_by TEXT,
    revision INTEGER DEFAULT 1 NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT authority_takes_two CHECK (granted_by <> confirmed_by),
    CONSTRAINT authority_has_a_span CHECK (valid_from < valid_until),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE INDEX authority_person_idx ON authority (person_id);
CREATE TABLE draft (
    id UUID NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    revision INTEGER DEFAULT 1 NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(created_by) REFERENCES person (id)
);
CREATE INDEX draft_changed_idx ON draft (changed_at, id);
CREATE TABLE upload (
    sha256 TEXT NOT NULL,
    person_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (sha256, person_id),
    FOREIGN KEY(sha256) REFERENCES media (sha256),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE derivative (
    source_sha256 TEXT NOT NULL,
    platform TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    mime TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (source_sha256, platform),
    FOREIGN KEY(source_sha256) REFERENCES media (sha256)
);
CREATE TABLE session (
    id_hash BYTEA NOT NULL,
    person_id UUID,
    data JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    auth_time TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id_hash),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE version (
    id UUID NOT NULL,
    draft_id UUID NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    source JSONB NOT NULL,
    saved_by UUID NOT NULL,
    saved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT version_draft_number_key UNIQUE (draft_id, number),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(digest) REFERENCES manifest (digest),
    FOREIGN KEY(saved_by) REFERENCES person (id)
);
CREATE TABLE contributor (
    draft_id UUID NOT NULL,
    person_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (draft_id, person_id),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE INDEX contributor_person_idx ON contributor (person_id, draft_id);
CREATE TABLE version_view (
    person_id UUID NOT NULL,
    draft_id UUID NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (person_id, draft_id, number),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(draft_id) REFERENCES draft (id)
);
CREATE TABLE draft_image (
    sha256 TEXT NOT NULL,
    draft_id UUID NOT NULL,
    PRIMARY KEY (sha256, draft_id),
    FOREIGN KEY(draft_id) REFERENCES draft (id)
);
CREATE TABLE schedule (
    draft_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    publish_at TIMESTAMP WITH TIME ZONE NOT NULL,
    set_by UUID NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (draft_id, revision),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(set_by) REFERENCES person (id)
);
CREATE TABLE submission (
    id UUID NOT NULL,
    draft_id UUID NOT NULL,
    number INTEGER NOT NULL,
    version_id UUID NOT NULL,
    version_number INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    plan JSONB NOT NULL,
    account_ids UUID[] NOT NULL,
    window_start TIMESTAMP WITH TIME ZONE NOT NULL,
    window_end TIMESTAMP WITH TIME ZONE NOT NULL,
    submitted_by UUID NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT submission_draft_number_key UNIQUE (draft_id, number),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(version_id) REFERENCES version (id),
    FOREIGN KEY(digest) REFERENCES manifest (digest),
    FOREIGN KEY(submitted_by) REFERENCES person (id)
);
CREATE TABLE withdrawal (
    submission_id UUID NOT NULL,
    person_id UUID NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (submission_id),
    FOREIGN KEY(submission_id) REFERENCES submission (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE decision (
    id UUID NOT NULL,
    submission_id UUID NOT NULL,
    step INTEGER NOT NULL,
    person_id UUID NOT NULL,
    authority_id UUID NOT NULL,
    answer TEXT NOT NULL,
    digest VARCHAR NOT NULL,
    reason TEXT DEFAULT '' NOT NULL,
    answers JSONB NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT decision_once_per_person UNIQUE (submission_id, person_id),
    CONSTRAINT decision_answer_known CHECK (answer IN ('authorise', 'ask_for_changes', 'reject')),
    CONSTRAINT decision_no_needs_a_reason CHECK (answer = 'authorise' OR length(trim(reason)) > 0),
    FOREIGN KEY(submission_id) REFERENCES submission (id),
    FOREIGN KEY(person_id) REFERENCES person (id),
    FOREIGN KEY(authority_id) REFERENCES authority (id),
    FOREIGN KEY(digest) REFERENCES manifest (digest)
);
CREATE INDEX decision_person_idx ON decision (person_id, decided_at);
CREATE TABLE awaiting (
    submission_id UUID NOT NULL,
    step INTEGER NOT NULL,
    draft_id UUID NOT NULL,
    role TEXT NOT NULL,
    label TEXT NOT NULL,
    account_ids UUID[] NOT NULL,
    due TIMESTAMP WITH TIME ZONE NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (submission_id, step),
    FOREIGN KEY(submission_id) REFERENCES submission (id),
    FOREIGN KEY(draft_id) REFERENCES draft (id)
);
CREATE INDEX awaiting_role_due_idx ON awaiting (role, due, submission_id);
CREATE INDEX ix_awaiting_draft_id ON awaiting (draft_id);
CREATE TABLE step_clock (
    submission_id UUID NOT NULL,
    step INTEGER NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (submission_id, step),
    FOREIGN KEY(submission_id) REFERENCES submission (id)
);
CREATE TABLE publication (
    id UUID NOT NULL,
    draft_id UUID NOT NULL,
    account_id UUID NOT NULL,
    submission_id UUID NOT NULL,
    digest VARCHAR NOT NULL,
    state TEXT DEFAULT 'scheduled' NOT NULL,
    moves INTEGER DEFAULT 0 NOT NULL,
    epoch INTEGER DEFAULT 0 NOT NULL,
    lease_until TIMESTAMP WITH TIME ZONE,
    worker TEXT,
    not_before TIMESTAMP WITH TIME ZONE,
    schedule_revision INTEGER NOT NULL,
    publish_at TIMESTAMP WITH TIME ZONE NOT NULL,
    post_id TEXT,
    permalink TEXT,
    note TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(account_id) REFERENCES account (id),
    FOREIGN KEY(submission_id) REFERENCES submission (id),
    FOREIGN KEY(digest) REFERENCES manifest (digest)
);
CREATE UNIQUE INDEX publication_once_per_submission ON publication (submission_id, account_id);
CREATE UNIQUE INDEX one_live_publication ON publication (draft_id, account_id) WHERE state NOT IN ('abandoned', 'removed', 'stale', 'withdrawn');
CREATE INDEX publication_draft_idx ON publication (draft_id);
CREATE INDEX publication_state_idx ON publication (state, publish_at);
CREATE TABLE transition (
    publication_id UUID NOT NULL,
    number INTEGER NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    note TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (publication_id, number),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);
CREATE TABLE attempt (
    id UUID NOT NULL,
    publication_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    verdict JSONB NOT NULL,
    dispatched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    send_by TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id),
    FOREIGN KEY(digest) REFERENCES manifest (digest)
);
CREATE UNIQUE INDEX attempt_publication_epoch_key ON attempt (publication_id, epoch);
CREATE TABLE receipt (
    id UUID NOT NULL,
    attempt_id UUID NOT NULL,
    result TEXT NOT NULL,
    status INTEGER,
    post_id TEXT,
    permalink TEXT,
    detail TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT receipt_result_known CHECK (result IN ('accepted', 'not_sent', 'refused', 'unknown')),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id)
);
CREATE INDEX ix_receipt_attempt_id ON receipt (attempt_id);
