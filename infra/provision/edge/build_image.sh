#!/usr/bin/env bash
# Builds the edge module's image from a registered model and its scoring file, and pushes it once per request.
# Takes MODEL_NAME, MODEL_VERSION, IMAGE_TAG (all checked before), REGISTRY, RESOURCE_GROUP, WORKSPACE_NAME.
set -euo pipefail

module=infra/edge
image="$REGISTRY/detector:$IMAGE_TAG"
az acr login --name "${REGISTRY%%.*}"
if docker buildx imagetools inspect "$image" >/dev/null 2>&1; then
    echo "$image is there already."
    exit
fi

az extension add --name ml --yes
folder="$AGENT_TEMPDIRECTORY/model"
az ml model download --name "$MODEL_NAME" --version "$MODEL_VERSION" --download-path "$folder" \
    --resource-group "$RESOURCE_GROUP" --workspace-name "$WORKSPACE_NAME"
docker buildx build --provenance=false --file "$module/Containerfile" --build-context "model=$folder" \
    --build-context requirements=requirements \
    --build-arg "MODEL_NAME=$MODEL_NAME" --build-arg "MODEL_VERSION=$MODEL_VERSION" \
    --tag "$image" --push "$module"
