#!/usr/bin/env bash
# Creates the layered deployment, once: started again it finds it there.
# Takes what shipment.py takes, and REGISTRY and IOTHUB_HOSTNAME.
set -euo pipefail

# Devices are sent the image by digest, so that nobody can put another one under the tag that was approved.
tag="$(python -m infra.provision.edge.shipment)"
az acr login --name "${REGISTRY%%.*}"
digest="$(docker buildx imagetools inspect "$REGISTRY/detector:$tag" --format '{{.Manifest.Digest}}')"
export IMAGE="$REGISTRY/detector@$digest"

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
