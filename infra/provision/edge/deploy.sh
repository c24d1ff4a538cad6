#!/usr/bin/env bash
# Creates the layered deployment, once: started again it finds it there.
# Takes what shipment.py takes, and IMAGE and IOTHUB_HOSTNAME.
set -euo pipefail

body="$AGENT_TEMPDIRECTORY/deployment.json"
python -m infra.provision.edge.deployment >"$body"
id="$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$body")"
address="https://$IOTHUB_HOSTNAME/configurations/$id?api-version=2021-04-12"
hub=(az rest --resource https://iothubs.azure.net --url "$address" --output none)

# Look first: the id is the same for the same request, and what a deployment contains never changes.
if "${hub[@]}" --method get 2>/dev/null; then
    echo "The deployment $id is there already."
else
    "${hub[@]}" --method put --headers Content-Type=application/json --body "@$body"
    echo "The deployment $id is made."
fi
