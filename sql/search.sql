-- search: what is tried, how trials are judged and recorded, and every wrong argument.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
