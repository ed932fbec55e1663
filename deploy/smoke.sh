#!/usr/bin/env bash
# What the containers promise: an event that is posted is on the timeline, a vote is in the tally, and both are the same,
# to the byte, after the services' databases have been dropped and folded again from the log.
#
#   deploy/smoke.sh                             starts the system with `docker compose` and leaves it running
#   deploy/smoke.sh docker compose -p trial     the same with another command, such as one for a system of its own
#
# RAPPORT_PORT_INTERACTIONS, RAPPORT_PORT_FEEDBACK and RAPPORT_PORT_TIMELINE say where it listens, to compose as well. It
# posts one event about crm:smoke, opens a board where crm:smoke has an idea and crm:smoke-2 votes for it, and drops no
# data that cannot be folded again: never the log, never the secret.
set -euo pipefail
cd "$(dirname "$0")/.."

compose=("${@:-docker}")
[ $# -gt 0 ] || compose+=(compose)
interactions="http://127.0.0.1:${RAPPORT_PORT_INTERACTIONS:-8002}"
feedback="http://127.0.0.1:${RAPPORT_PORT_FEEDBACK:-8003}"
timeline="http://127.0.0.1:${RAPPORT_PORT_TIMELINE:-8005}"
services=(contacts interactions feedback timeline)
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

# A command to feedback: path and body. Puts the answer into $work/answer, and where it was recorded into $voted.
tell() {
  ask "$feedback$1" -H 'content-type: application/json' -d "$2" --dump-header "$work/headers" > "$work/answer"
  voted="$(sed -n 's/^[Rr]apport-[Pp]osition: *\([A-Za-z0-9_=-]*\).*/\1/p' "$work/headers")"
}

id_of_answer() { sed -n 's/^{"id":"\([^"]*\)".*/\1/p' "$work/answer"; }

read_timeline() { ask "$timeline/v1/timeline/crm:smoke?min_position=$1" -H 'prefer: wait=20'; }
read_tally() { ask "$feedback/v1/ideas/$idea/tally?min_position=$1" -H 'prefer: wait=20'; }

say "Starting"
"${compose[@]}" up --wait

event="smoke-$(date +%s)-$$"
say "Posting $event"
position="$(post "$event" | sed -n 's/.*"position":"\([^"]*\)".*/\1/p')"
[ -n "$position" ] || { say "The answer has no position"; exit 1; }

say "Opening a board, with an idea and a vote"
tell /v1/boards '{"title": "Smoke"}'
board="$(id_of_answer)"
tell /v1/ideas "{\"board\": \"$board\", \"contact\": \"crm:smoke\", \"title\": \"$event\", \"touchpoint\": \"service\"}"
idea="$(id_of_answer)"
tell /v1/votes "{\"idea\": \"$idea\", \"voter\": \"crm:smoke-2\"}"

read_timeline "$position&min_position=$voted" > "$work/before"
grep --quiet "\"$event\"" "$work/before" || { say "The timeline lacks $event:"; cat "$work/before" >&2; exit 1; }
read_tally "$voted" > "$work/tally-before"
grep --quiet '"people":1' "$work/tally-before" || { say "The tally lacks the vote:"; cat "$work/tally-before" >&2; exit 1; }

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

say "Comparing every table with the log"
"${compose[@]}" run --rm rapport verify

say "Timeline and tally are the same to the byte, and every table is what the log says"
