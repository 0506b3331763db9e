"""What `compactor.reading.source` asks DuckDB. Nothing is pasted into these texts but our own constants."""
# ruff: noqa: S608  no value from outside is pasted in

from compactor.reading.lines import ATTEMPT_SHIFT

FILES = """
CREATE OR REPLACE TEMP TABLE files AS
SELECT unnest($file::UBIGINT[]) AS file, unnest($rank::BIGINT[]) AS rank,
    unnest($attempt::BIGINT[]) AS attempt, unnest($hidden::BIGINT[]) AS hidden"""

SEALED = """
SELECT f.rank, f.attempt, f.hidden, s.metric, s.seq, s.step, s.epoch, s.time, s.value
FROM read_parquet(getvariable('paths'), hive_partitioning = false) s
JOIN files f ON f.file = s.file_index"""

UNSEALED = "SELECT rank, attempt, hidden, metric, seq, step, epoch, time, value FROM tails"

EVERYTHING = "CREATE OR REPLACE TEMP VIEW everything AS"

LOGGED = f"""
CREATE OR REPLACE TEMP VIEW logged AS
SELECT rank, (attempt::BIGINT << {ATTEMPT_SHIFT}) + seq AS position, metric, seq, step, epoch,
    epoch_us(time) AS time, value
FROM everything WHERE seq < hidden"""

LINES = """
CREATE OR REPLACE TEMP TABLE lines AS
SELECT unnest($line::BIGINT[]) AS line, unnest($rank::BIGINT[]) AS rank,
    unnest($metric::VARCHAR[]) AS metric"""

POINTS = """
SELECT line, position, step, epoch, time, value FROM logged JOIN lines USING (rank, metric)
ORDER BY line, step, position"""

BESIDE = """
SELECT metric,
    arg_max({'step': step, 'value': value}, position) FILTER (position <= $position),
    arg_min({'step': step, 'value': value}, position) FILTER (position > $position)
FROM logged
WHERE rank = $rank AND seq BETWEEN $first AND $last
    AND position BETWEEN $low AND $high
GROUP BY metric ORDER BY metric"""
