#!/usr/bin/env bash
# What the other scripts ask of IoT Hub. Takes IOTHUB_HOSTNAME.
set -euo pipefail

NOT_THERE=4

# deployment GET|PUT ID [option of az rest ...]: prints what IoT Hub says; ends with NOT_THERE where it has no such one.
deployment() {
    local method="$1" id="$2" said="$AGENT_TEMPDIRECTORY/said.txt"
    shift 2
    if az rest --resource https://iothubs.azure.net --method "$method" --output json \
        --url "https://$IOTHUB_HOSTNAME/configurations/$id?api-version=2021-04-12" "$@" 2>"$said"; then
        return
    fi
    if grep -q 'Not Found(' "$said"; then
        return "$NOT_THERE"
    fi
    cat "$said" >&2
    return 1
}
