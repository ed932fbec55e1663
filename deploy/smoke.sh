#!/usr/bin/env bash
# What the containers promise: an event that is posted is on the timeline, a vote is in the tally, a score has its
# receipt, and all are the same, to the byte, after the services' databases have been dropped and folded again from the
# log.
#
#   deploy/smoke.sh                             starts the system with `docker compose` and leaves it running
#   deploy/smoke.sh docker compose -p trial     the same with another command, such as one for a system of its own
#
# RAPPORT_PORT_INTERACTIONS, RAPPORT_PORT_FEEDBACK, RAPPORT_PORT_SCORING and RAPPORT_PORT_TIMELINE say where it listens,
# to compose as well. It posts one event about crm:smoke, opens a board where crm:smoke has an idea and crm:smoke-2 votes
# for it, publishes statistics, and drops no data that cannot be folded again: never the log, never the secret.
set -euo pipefail
cd "$(dirname "$0")/.."

compose=("${@:-docker}")
[ $# -gt 0 ] || compose+=(compose)
interactions="http://127.0.0.1:${RAPPORT_PORT_INTERACTIONS:-8002}"
feedback="http://127.0.0.1:${RAPPORT_PORT_FEEDBACK:-8003}"
scoring="http://127.0.0.1:${RAPPORT_PORT_SCORING:-8004}"
timeline="http://127.0.0.1:${RAPPORT_PORT_TIMELINE:-8005}"
services=(contacts interactions feedback scoring timeline)
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*" >&2; }

ask() { curl --silent --show-error --fail-with-body --max-time 30 "$@"; }

post() {
  ask "$interactions/v1/events" -H 'content-type: application/cloudevents+json' -d "{
    \"specversion\": \"1.0\", \"id\": \"$1\", \"source\": \"urn:smoke\", \"subject\": \"crm:smoke\",
    \"type\": \"rapport.interactions.purchase.recorded.v1\",
    \"data\": {\"amount_minor\": 1230, \"currency\": \"GBP\", \"order\": \"$1\"}
  }"
}

# A command: address and body. Puts the answer into $work/answer, and where it was recorded into $recorded.
tell() {
  ask "$1" -H 'content-type: application/json' -H 'prefer: wait=20' -d "$2" --dump-header "$work/headers" > "$work/answer"
  recorded="$(sed -n 's/^[Rr]apport-[Pp]osition: *\([A-Za-z0-9_=-]*\).*/\1/p' "$work/headers")"
}

id_of_answer() { sed -n 's/^{"id":"\([^"]*\)".*/\1/p' "$work/answer"; }

read_timeline() { ask "$timeline/v1/timeline/crm:smoke?min_position=$1" -H 'prefer: wait=20'; }
read_tally() { ask "$feedback/v1/ideas/$idea/tally?min_position=$1" -H 'prefer: wait=20'; }
# Without how far the service had folded, which is no part of the score.
read_score() {
  ask "$scoring/v1/scores/crm:smoke?as_of=$now&min_position=$1" -H 'prefer: wait=20' \
    | sed 's/"position":"[A-Za-z0-9_=-]*"//'
}

# Until the classes that the last commands lead to are announced, and on the timeline: the same twice, a second apart.
settle() {
  for _ in $(seq 30); do
    read_timeline "$1" > "$work/once"
    sleep 1
    read_timeline "$1" > "$work/twice"
    if cmp --silent "$work/once" "$work/twice"; then return; fi
  done
  say "The timeline does not come to rest"; exit 1
}

say "Starting"
"${compose[@]}" up --wait

event="smoke-$(date +%s)-$$"
say "Posting $event"
position="$(post "$event" | sed -n 's/.*"position":"\([^"]*\)".*/\1/p')"
[ -n "$position" ] || { say "The answer has no position"; exit 1; }

say "Opening a board, with an idea and a vote"
tell "$feedback/v1/boards" '{"title": "Smoke"}'
board="$(id_of_answer)"
tell "$feedback/v1/ideas" \
  "{\"board\": \"$board\", \"contact\": \"crm:smoke\", \"title\": \"$event\", \"touchpoint\": \"service\"}"
idea="$(id_of_answer)"
tell "$feedback/v1/votes" "{\"idea\": \"$idea\", \"voter\": \"crm:smoke-2\"}"
voted="$recorded"

say "Publishing statistics"
tell "$scoring/v1/statistics?min_position=$position&min_position=$voted" '{}'
published="$recorded"
settle "$position&min_position=$voted&min_position=$published"
now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"

read_timeline "$position&min_position=$voted" > "$work/before"
grep --quiet "\"$event\"" "$work/before" || { say "The timeline lacks $event:"; cat "$work/before" >&2; exit 1; }
read_tally "$voted" > "$work/tally-before"
grep --quiet '"people":1' "$work/tally-before" || { say "The tally lacks the vote:"; cat "$work/tally-before" >&2; exit 1; }
read_score "$position&min_position=$published" > "$work/score-before"
for part in '"definition":"rfm"' "\"event_id\":\"$event\""; do
  grep --quiet --fixed-strings "$part" "$work/score-before" && continue
  say "The scores lack $part:"; cat "$work/score-before" >&2; exit 1
done

say "Dropping the databases of ${services[*]}"
"${compose[@]}" stop "${services[@]}"
for service in "${services[@]}"; do
  "${compose[@]}" exec -T postgres dropdb --username=rapport --force "$service"
done

say "Making them again, and folding them from the log"
"${compose[@]}" run --rm databases
"${compose[@]}" up --wait

read_timeline "$position&min_position=$voted" > "$work/after"
cmp "$work/before" "$work/after" || { say "The timeline differs:"; diff "$work/before" "$work/after" >&2; exit 1; }
read_tally "$voted" > "$work/tally-after"
cmp "$work/tally-before" "$work/tally-after" || { say "The tally differs:"; cat "$work"/tally-* >&2; exit 1; }
read_score "$position&min_position=$published" > "$work/score-after"
cmp "$work/score-before" "$work/score-after" || { say "The scores differ:"; cat "$work"/score-* >&2; exit 1; }

say "Comparing every table with the log"
"${compose[@]}" run --rm rapport verify

say "Timeline, tally and scores are the same to the byte, and every table is what the log says"
