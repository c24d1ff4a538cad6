#!/usr/bin/env bash
# Settles which image this request ships, by digest: the one that a ring of it has in IoT Hub already, else a new one around
# the registered model and its scoring file. Tags are for people; as they can be moved, none is ever asked.
# Takes what shipment.py takes, and REGISTRY, RESOURCE_GROUP, WORKSPACE_NAME, IOTHUB_HOSTNAME. Sets the variable image.
set -euo pipefail

here="$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=hub.sh
source "$here/hub.sh"
module=infra/edge
ML_EXTENSION=2.43.0
found="$AGENT_TEMPDIRECTORY/found.json"

ids="$(python -m infra.provision.edge.shipment deployments)"
for id in $ids; do
    status=0
    deployment get "$id" >"$found" || status=$?
    if [ "$status" = 0 ]; then
        image="$(python -m infra.provision.edge.deployment image <"$found")"
        echo "The deployment $id has $image, and so has this one."
        echo "##vso[task.setvariable variable=image]$image"
        exit
    elif [ "$status" != "$NOT_THERE" ]; then
        exit "$status"
    fi
done

az acr login --name "${REGISTRY%%.*}"
az extension add --name ml --version "$ML_EXTENSION" --yes
folder="$AGENT_TEMPDIRECTORY/model"
az ml model download --name "$MODEL_NAME" --version "$MODEL_VERSION" --download-path "$folder" \
    --resource-group "$RESOURCE_GROUP" --workspace-name "$WORKSPACE_NAME"
docker buildx build --provenance=false --file "$module/Containerfile" --build-context "model=$folder" \
    --build-context requirements=requirements \
    --build-arg "MODEL_NAME=$MODEL_NAME" --build-arg "MODEL_VERSION=$MODEL_VERSION" \
    --tag "$REGISTRY/detector:$(python -m infra.provision.edge.shipment tag)" \
    --metadata-file "$found" --push "$module"
digest="$(python -c 'import json, sys; print(json.load(sys.stdin)["containerimage.digest"])' <"$found")"
echo "##vso[task.setvariable variable=image]$REGISTRY/detector@$digest"
