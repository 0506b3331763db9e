"""What `compactor.source` asks DuckDB. Nothing is pasted into these texts but our own constants."""
# ruff: noqa: S608  no value from outside is pasted in

from compactor.exact import SCALED, WINDOW
from compactor.lines import ATTEMPT_SHIFT

EARLY_BITS = 6
"""Early buckets: each doubling of the step is cut into this power of two."""
_ATTEMPT = f"position >> {ATTEMPT_SHIFT}"

SEALED = """
SELECT f.rank, f.attempt, f.hidden, s.metric, s.seq, s.step, s.epoch, s.time, s.value
FROM read_parquet(getvariable('paths'), hive_partitioning = false) s
JOIN files f ON f.file = s.file_index"""

UNSEALED = "SELECT rank, attempt, hidden, metric, seq, step, epoch, time, value FROM tails"

LOGGED = f"""
CREATE TEMP VIEW logged AS
SELECT rank, (attempt::BIGINT << {ATTEMPT_SHIFT}) + seq AS position, metric, seq, step, epoch, value
FROM everything WHERE seq < hidden"""

SIZES = """
SELECT rank, metric, count(*), min(step), max(step) FROM logged
GROUP BY ALL ORDER BY rank, metric"""

ATTEMPTS = """
SELECT rank, attempt, arg_min(step, seq), epoch_us(min(time)), epoch_us(max(time)) FROM everything
WHERE list_contains($writers, (rank::BIGINT << 32) + attempt)
GROUP BY rank, attempt ORDER BY rank, attempt"""

_BANDED = f"""
SELECT *, CASE WHEN epoch IS NULL OR NOT isfinite(value) THEN 0 ELSE {WINDOW} END AS band"""
_TOTAL = f"sum(CASE WHEN epoch IS NOT NULL AND isfinite(value) THEN {SCALED} END)"

WHOLE = """
CREATE TEMP TABLE whole AS
SELECT line, position, step, epoch, value FROM logged JOIN lines USING (rank, metric)
WHERE lines.whole"""

# Step and position as one number: rows in the order in which a chart draws them.
_PLACES = 1 << 62
_ORDER = f"(step::HUGEINT * {_PLACES} + position)"

# A bucket is known by its first step: buckets never overlap.
_BUCKETED = f"""
bucketed AS (
    SELECT line, position, step, epoch, value, step & -(1::BIGINT << CASE
            WHEN step < 0 OR (step >> shift) >= {1 << EARLY_BITS} THEN shift
            ELSE greatest(0, floor(log2(greatest(step, 1)))::INTEGER - {EARLY_BITS})
        END) AS bucket
    FROM logged JOIN lines USING (rank, metric) WHERE NOT lines.whole)"""

CELLS = f"""
CREATE TEMP TABLE cells AS
WITH {_BUCKETED},
banded AS ({_BANDED} FROM bucketed)
SELECT line, bucket, epoch, {_ATTEMPT} AS attempt, band,
    count(*) AS rows,
    count(*) FILTER (isfinite(value)) AS finite,
    count(*) FILTER (isnan(value)) AS nan,
    count(*) FILTER (value = 'infinity') AS above,
    count(*) FILTER (value = '-infinity') AS below,
    min({{'v': value, 'p': position, 's': step}}) FILTER (isfinite(value)) AS least,
    max({{'v': value, 'p': -position, 's': step}}) FILTER (isfinite(value)) AS greatest,
    min({_ORDER}) AS first,
    max({_ORDER}) AS last,
    min({_ORDER}) FILTER (NOT isfinite(value)) AS broken,
    arg_min(value, {_ORDER}) AS first_value,
    arg_max(value, {_ORDER}) AS last_value,
    arg_min(value, {_ORDER}) FILTER (NOT isfinite(value)) AS broken_value,
    min(step) AS low, max(step) AS high, max(position) AS position,
    arg_max(step, position) AS latest_step, arg_max(value, position) AS latest_value,
    {_TOTAL} AS total
FROM banded GROUP BY line, bucket, epoch, attempt, band"""

NOT_FINITE = """
SELECT line, sum(nan)::BIGINT, sum(above)::BIGINT, sum(below)::BIGINT FROM cells
GROUP BY line ORDER BY line"""

# Only buckets that hold a value that is not finite are read again. Two of their rows are neighbours
# in the line if they share a bucket or if no other bucket lies between theirs. The first and the last
# finite one of them come along: where a line begins or ends with a gap, its ends may be among them.
EDGES = f"""
CREATE TEMP TABLE edges AS
WITH {_BUCKETED},
buckets AS (
    SELECT line, bucket, sum(rows - finite) AS bad,
        row_number() OVER (PARTITION BY line ORDER BY bucket) AS number
    FROM cells GROUP BY line, bucket),
doubtful AS (
    SELECT line, number, position, step, epoch, value, isfinite(value) AS ok
    FROM bucketed JOIN buckets USING (line, bucket) WHERE bad > 0),
paired AS (
    SELECT *,
        coalesce(lag(ok) OVER log OR lag(number) OVER log < number - 1, true) AS after_ok,
        coalesce(lead(ok) OVER log OR lead(number) OVER log > number + 1, true) AS before_ok
    FROM doubtful WINDOW log AS (PARTITION BY line ORDER BY step, position)),
numbered AS (
    SELECT *, NOT ok AND after_ok AS starts, NOT ok AND before_ok AS ends,
        sum((NOT ok AND after_ok)::INTEGER) OVER log AS stretch,
        ok AND 1 IN (
            row_number() OVER (PARTITION BY line, ok ORDER BY step, position),
            row_number() OVER (PARTITION BY line, ok ORDER BY step DESC, position DESC)
        ) AS outermost
    FROM paired WINDOW log AS (PARTITION BY line ORDER BY step, position
        ROWS UNBOUNDED PRECEDING))
SELECT line, position, step, epoch, value, starts, ends, stretch,
    max(stretch) OVER (PARTITION BY line) AS stretches
FROM numbered
QUALIFY outermost OR stretch <= $most AND (starts OR ends OR ok AND NOT (after_ok AND before_ok))"""

STRETCHES = """
SELECT line, max(stretches)::BIGINT, list(step ORDER BY stretch) FILTER (starts),
    list(step ORDER BY stretch) FILTER (ends)
FROM edges GROUP BY line ORDER BY line"""

POINTS = f"""
WITH placed AS (
    SELECT line, epoch, unnest([
        {{'o': first, 'v': first_value}},
        {{'o': last, 'v': last_value}},
        {{'o': broken, 'v': broken_value}},
        {{'o': least.s::HUGEINT * {_PLACES} + least.p, 'v': least.v}},
        {{'o': greatest.s::HUGEINT * {_PLACES} - greatest.p, 'v': greatest.v}}]) AS row_
    FROM cells),
parted AS (
    SELECT line, epoch, row_.v AS value, row_.o AS place,
        (row_.o % {_PLACES} + {_PLACES}) % {_PLACES} AS position
    FROM placed WHERE row_.o IS NOT NULL)
SELECT line, position::BIGINT AS position, ((place - position) // {_PLACES})::BIGINT AS step, epoch,
    value
FROM parted
UNION SELECT line, position, step, epoch, value FROM edges
UNION SELECT line, max(position), arg_max(latest_step, position), epoch,
    arg_max(latest_value, position)
FROM cells WHERE epoch IS NOT NULL GROUP BY line, epoch
UNION ALL SELECT line, position, step, epoch, value FROM whole
ORDER BY line, step, position"""

# Of an epoch that was repeated, the latest attempt counts.
EPOCHS = f"""
WITH banded AS ({_BANDED} FROM whole),
parts AS (
    SELECT line, epoch, attempt, band, rows, finite, low, high, position, latest_step, total
    FROM cells
    UNION ALL
    SELECT line, epoch, {_ATTEMPT} AS attempt, band, count(*), count(*) FILTER (isfinite(value)),
        min(step), max(step), max(position), arg_max(step, position), {_TOTAL}
    FROM banded GROUP BY line, epoch, attempt, band)
SELECT line, epoch, band, sum(rows)::BIGINT, sum(finite)::BIGINT, min(low), max(high),
    max(position), arg_max(latest_step, position), sum(total)
FROM parts GROUP BY line, epoch, attempt, band
QUALIFY epoch IS NULL OR attempt = max(attempt) OVER (PARTITION BY line, epoch)
ORDER BY line, epoch NULLS FIRST, attempt, band"""

BESIDE = """
SELECT metric,
    arg_max({'step': step, 'value': value}, position) FILTER (position <= $position),
    arg_min({'step': step, 'value': value}, position) FILTER (position > $position)
FROM logged JOIN lines USING (rank, metric)
WHERE NOT whole AND rank = $rank AND seq BETWEEN $first AND $last
    AND position BETWEEN $low AND $high
GROUP BY metric ORDER BY metric"""
