"""The embedded store's file: its tables, its version, and the way from every version before."""

# Says in the file's header whose it is; see PRAGMA application_id.
OURS = int.from_bytes(b"EVCq", "big")
VERSION = 2
TABLES = (
    """CREATE TABLE site (
        site TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL)""",
    """CREATE TABLE answered (
        site TEXT NOT NULL, request TEXT NOT NULL, answer BLOB NOT NULL, expires TEXT NOT NULL,
        PRIMARY KEY (site, request))""",
    "CREATE INDEX answered_expires ON answered (site, expires)",
    """CREATE TABLE card (
        site TEXT NOT NULL, key TEXT NOT NULL, channel TEXT NOT NULL, ts TEXT NOT NULL,
        expires TEXT NOT NULL, PRIMARY KEY (site, key))""",
    "CREATE INDEX card_expires ON card (site, expires)",
    """CREATE TABLE outbox (
        place INTEGER PRIMARY KEY, site TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
        created TEXT NOT NULL, begun TEXT, UNIQUE (site, id))""",
    """CREATE TABLE refused (
        site TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, created TEXT NOT NULL,
        why TEXT NOT NULL, expires TEXT NOT NULL, PRIMARY KEY (site, id))""",
    "CREATE INDEX refused_expires ON refused (site, expires)",
    f"PRAGMA application_id = {OURS}",
    f"PRAGMA user_version = {VERSION}",
)

# How a file of each older version becomes one of the next. These stay as they were written.
UPGRADES = {
    1: (
        "ALTER TABLE outbox ADD COLUMN begun TEXT",
        """CREATE TABLE refused (
            site TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, created TEXT NOT NULL,
            why TEXT NOT NULL, expires TEXT NOT NULL, PRIMARY KEY (site, id))""",
        "CREATE INDEX refused_expires ON refused (site, expires)",
        "PRAGMA user_version = 2",
    ),
}
