-- The pairs that are one machine, former records included, for computer_records to join with.
create temp table accepted on commit drop as
select left_system, left_id, right_system, right_id
from silver.computer_matches
where decision = 'accepted';
analyze accepted;
