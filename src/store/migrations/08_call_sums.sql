-- What calls came to, by run and model, without reading what was said: requests and replies are long, and the window asks while
-- calls are being made.
CREATE INDEX call_sums ON call (
    run,
    reply IS NULL,
    request ->> '$.model',
    reply ->> '$.cost',
    reply ->> '$.usage.prompt_tokens',
    reply ->> '$.usage.completion_tokens'
);
