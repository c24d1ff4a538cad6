#!/usr/bin/env bash
# Creates the layered deployment, once: started again it finds it there.
# Takes what shipment.py takes, IMAGE by digest, and IOTHUB_HOSTNAME.
set -euo pipefail

here="$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=hub.sh
source "$here/hub.sh"

body="$AGENT_TEMPDIRECTORY/deployment.json"
python -m infra.provision.edge.deployment >"$body"
id="$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$body")"

# Look first: the id is the same for the same request, and what a deployment contains never changes.
status=0
deployment get "$id" >/dev/null || status=$?
if [ "$status" = 0 ]; then
    echo "The deployment $id is there already."
elif [ "$status" = "$NOT_THERE" ]; then
    deployment put "$id" --headers Content-Type=application/json --body "@$body" >/dev/null
    echo "The deployment $id is made."
else
    exit "$status"
fi
