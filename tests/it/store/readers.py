"""Reads a store with tools that know nothing of Doorstep, and prints what they saw as one JSON object each.

Arguments: the tool (pyarrow or duckdb), the store's folder.
"""
import glob
import json
import sys


def with_pyarrow(files):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.concat_tables(pq.read_table(path) for path in files)
    rows = sorted(table.to_pylist(), key=lambda row: row["slot"])
    hops = [hop for row in rows for hop in row["hops"]]
    first = rows[0]
    return {
        "runs": len(rows),
        "ids": len({row["run_id"] for row in rows}),
        "first_id": str(first["run_id"]),
        "first_slot": first["slot"].isoformat(),
        "bad": sum(row["verdict"] == "bad" for row in rows),
        "classes": sorted({row["class"] for row in rows if row["class"]}),
        "login_time_us": sum(row["login_time_us"] for row in rows),
        "steps": [step["name"] for step in first["steps"]],
        "evidence": json.loads(first["steps"][0]["evidence"]),
        "hops": len(hops),
        "wait_us": sum(hop["wait_us"] or 0 for hop in hops),
        "dns_known": sum(hop["dns_us"] is not None for hop in hops),
        "cut": sum(hop["cut"] == "wait" for hop in hops),
        "messages": len({row["failure_message"] for row in rows} - {None}),
    }


def with_duckdb(files):
    import duckdb

    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute("CREATE VIEW runs AS SELECT * FROM read_parquet($files)".replace("$files", repr(files)))
    one = lambda query: database.execute(query).fetchone()
    first = "(SELECT * FROM runs ORDER BY slot LIMIT 1)"
    hops = "(SELECT unnest(hops, recursive := true) FROM runs)"
    return {
        "runs": one("SELECT count(*) FROM runs")[0],
        "ids": one("SELECT count(DISTINCT run_id) FROM runs")[0],
        "first_id": str(one(f"SELECT run_id FROM {first}")[0]),
        "first_slot": one(f"SELECT strftime(slot, '%Y-%m-%dT%H:%M:%S+00:00') FROM {first}")[0],
        "bad": one("SELECT count(*) FROM runs WHERE verdict = 'bad'")[0],
        "classes": [row[0] for row in database.execute("SELECT DISTINCT class FROM runs WHERE class IS NOT NULL ORDER BY 1").fetchall()],
        "login_time_us": int(one("SELECT sum(login_time_us) FROM runs")[0]),
        "steps": one(f"SELECT list_transform(steps, lambda step: step.name) FROM {first}")[0],
        "evidence": json.loads(one(f"SELECT steps[1].evidence FROM {first}")[0]),
        "hops": one(f"SELECT count(*) FROM {hops}")[0],
        "wait_us": int(one(f"SELECT sum(wait_us) FROM {hops}")[0]),
        "dns_known": one(f"SELECT count(dns_us) FROM {hops}")[0],
        "cut": one(f"SELECT count(*) FROM {hops} WHERE cut = 'wait'")[0],
        "messages": one("SELECT count(DISTINCT failure_message) FROM runs")[0],
    }


# Segments as workers write them, and compacted days.
found = sorted(glob.glob(sys.argv[2] + "/v1/live/*/*/*.parquet") + glob.glob(sys.argv[2] + "/v1/day/*/*/*.parquet"))
print(json.dumps({"pyarrow": with_pyarrow, "duckdb": with_duckdb}[sys.argv[1]](found)))
