-- Acts that take two people: one asks, another confirms. Who asked can withdraw; nobody can confirm their own.
SET LOCAL lock_timeout = '4s';

CREATE TABLE proposal (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail JSONB NOT NULL,
    reason TEXT NOT NULL,
    asked_by UUID NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    good_until TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_by UUID,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    withdrawn_by UUID,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT proposal_takes_two CHECK (confirmed_by IS NULL OR confirmed_by <> asked_by),
    CONSTRAINT proposal_ends_once CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL),
    FOREIGN KEY(asked_by) REFERENCES person (id),
    FOREIGN KEY(confirmed_by) REFERENCES person (id),
    FOREIGN KEY(withdrawn_by) REFERENCES person (id)
);
CREATE UNIQUE INDEX one_open_proposal ON proposal (kind, subject) WHERE confirmed_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX proposal_subject_idx ON proposal (subject, asked_at);

-- What was asked stays as it was asked; the database stamps who confirmed or withdrew it when, once.
CREATE FUNCTION proposal_is_answered_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.subject, NEW.detail, NEW.reason, NEW.asked_by, NEW.asked_at, NEW.good_until)
        IS DISTINCT FROM (OLD.id, OLD.kind, OLD.subject, OLD.detail, OLD.reason, OLD.asked_by, OLD.asked_at, OLD.good_until) THEN
        RAISE EXCEPTION 'A proposal stays as it was asked' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'A proposal is answered once' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.confirmed_by IS NOT NULL AND OLD.good_until <= clock_timestamp() THEN
        RAISE EXCEPTION 'A proposal that lapsed cannot be confirmed' USING ERRCODE = 'check_violation';
    END IF;
    NEW.confirmed_at := CASE WHEN NEW.confirmed_by IS NOT NULL THEN clock_timestamp() END;
    NEW.withdrawn_at := CASE WHEN NEW.withdrawn_by IS NOT NULL THEN clock_timestamp() END;
    RETURN NEW;
END $$;

CREATE TRIGGER proposal_is_answered_once BEFORE UPDATE ON proposal FOR EACH ROW EXECUTE FUNCTION proposal_is_answered_once();

GRANT SELECT ON proposal TO countersign_api, countersign_worker;
GRANT INSERT (id, kind, subject, detail, reason, asked_by, good_until) ON proposal TO countersign_api;
GRANT UPDATE (confirmed_by, withdrawn_by) ON proposal TO countersign_api;
