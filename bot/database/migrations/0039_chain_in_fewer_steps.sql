-- As before, with less to do for each row: what stands in a statement of its own is begun
-- and ended anew in each transaction, which took more than the work. A number is put into
-- its canonical form in place.
CREATE OR REPLACE FUNCTION canonical_json(value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  parts text := '';
  inner_value jsonb;
  plain text;
BEGIN
  CASE jsonb_typeof(value)
  WHEN 'object' THEN
    plain := value::text;
    IF octet_length(plain) = char_length(plain) THEN
      RETURN (SELECT '{' || COALESCE(string_agg(
        to_json(key)::text || ':' || CASE
          WHEN jsonb_typeof(item) = 'string' THEN item::text
          WHEN jsonb_typeof(item) = 'number' AND item::text ~ '^-?[0-9]{1,15}$'
            THEN item::text
          ELSE canonical_json(item) END,
        ',' ORDER BY key COLLATE "C"), '') || '}'
        FROM jsonb_each(value) AS members (key, item));
    END IF;
    RETURN (SELECT '{' || COALESCE(string_agg(
      to_json(key)::text || ':' || canonical_json(item),
      ',' ORDER BY utf16_order(key)), '') || '}'
      FROM jsonb_each(value) AS members (key, item));
  WHEN 'array' THEN
    FOR place IN 0 .. jsonb_array_length(value) - 1 LOOP
      inner_value := value -> place;
      parts := parts || ',' || CASE WHEN jsonb_typeof(inner_value) = 'string'
        THEN inner_value::text ELSE canonical_json(inner_value) END;
    END LOOP;
    RETURN '[' || substr(parts, 2) || ']';
  WHEN 'number' THEN
    IF value::text ~ '^-?[0-9]{1,15}$' THEN
      RETURN value::text;
    END IF;
    IF value::numeric <> trunc(value::numeric)
      OR abs(value::numeric) > 9007199254740991 THEN
      RAISE EXCEPTION 'the audit trail takes whole numbers within 2^53 only';
    END IF;
    RETURN trunc(value::numeric)::text;
  ELSE
    RETURN value::text;
  END CASE;
END $$;

-- The lock is a statement of its own, so that the next one sees what was there before.
CREATE OR REPLACE FUNCTION audit_append_to_chain(fact audit) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  up_to_number text;
  after_previous text;
  locked text;
BEGIN
  up_to_number := E'slack-approval-bot/audit/1\n'
    || '{"actor":' || to_json(fact.actor)
    || ',"at":"' || to_char(fact.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","conversation_id":' || COALESCE(to_json(fact.conversation_id)::text, 'null')
    || ',"detail":' || canonical_json(fact.detail)
    || ',"event":' || to_json(fact.event)
    || ',"number":';
  after_previous := '","request_id":' || COALESCE(to_json(fact.request_id)::text, 'null')
    || ',"seq":' || fact.seq
    || ',"team_id":' || to_json(fact.team_id)
    || ',"texts":' || CASE WHEN fact.texts = '{}' THEN '{}'
      ELSE canonical_json(fact.texts) END
    || ',"via":' || to_json(fact.via) || '}';
  locked := pg_advisory_xact_lock(hashtext('audit'), hashtext(fact.team_id));
  INSERT INTO audit_chain
  SELECT fact.team_id, following, fact.seq, sha256(convert_to(
    up_to_number || following || ',"previous":"' || previous || after_previous, 'UTF8'))
  FROM (SELECT COALESCE(last.number, 0) + 1 AS following,
      COALESCE(encode(last.hash, 'hex'), '') AS previous
    FROM (SELECT) AS always LEFT JOIN (SELECT number, hash FROM audit_chain
      WHERE team_id = fact.team_id ORDER BY number DESC LIMIT 1) AS last ON true) AS head;
END $$;

CREATE OR REPLACE FUNCTION audit_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  clock float8;
  until text := current_setting('approval_bot.shared_until', true);
  done text;
BEGIN
  IF until <> '' AND current_setting('synchronous_commit') <> 'off' THEN
    clock := extract(epoch FROM clock_timestamp());
    IF clock >= until::float8
      AND NOT pg_try_advisory_xact_lock(hashtext('audit'), hashtext(NEW.team_id)) THEN
      until := clock + 1;
      done := set_config('approval_bot.shared_until', until, false);
    END IF;
    IF clock < until::float8 THEN
      done := set_config('synchronous_commit', 'off', true);
      -- of this level, since no setting keeps it from the client
      RAISE INFO 'this commit does not wait for the disk' USING ERRCODE = '01A01';
    END IF;
  END IF;
  PERFORM audit_append_to_chain(NEW);
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION audit_set_texts_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  given record;
  salt text;
BEGIN
  IF NEW.texts = '{}' THEN
    RETURN NEW;
  END IF;
  FOR given IN SELECT * FROM jsonb_each_text(NEW.texts) LOOP
    IF COALESCE(given.value, '') = '' THEN
      NEW.texts := NEW.texts - given.key;
      CONTINUE;
    END IF;
    salt := gen_random_uuid();
    INSERT INTO audit_texts VALUES (NEW.seq, given.key, salt, given.value);
    NEW.texts := jsonb_set(NEW.texts, ARRAY[given.key], to_jsonb(encode(sha256(
      convert_to(format(E'slack-approval-bot/audit-text/1\n%s\n%s', salt, given.value),
        'UTF8')), 'hex')));
  END LOOP;
  RETURN NEW;
END $$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_set_texts_apart() SET search_path = %I, pg_temp',
    current_schema());
  EXECUTE format('ALTER FUNCTION audit_link() SET search_path = %I, pg_temp',
    current_schema());
END $$;
